/** The index of the finder: made from the log alone, and made anew where it is dropped. */
export const finderSchema: string = `
create table millrace.found (
  n int8 primary key, stream int4 not null, position int8 not null, id text collate "C" not null,
  causation text collate "C", words tsvector not null
);
create unique index found_places on millrace.found (stream, position);
create index found_ids on millrace.found (id);
create index found_effects on millrace.found (causation, n) where causation is not null;
create index found_words on millrace.found using gin (words);
create table millrace.found_progress (stream int4 primary key, low int8 not null);`
