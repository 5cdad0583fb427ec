/**
 * Batches that are not full yet, and conditions that have fired; an empty context for elements without. A row of
 * `gathers` is never changed: a newer one takes its place.
 */
export const gathersSchema: string = `
create table millrace.gathers (
  gather text collate "C", context text collate "C", n int8 generated always as identity, slot int2 not null,
  count int8 not null, bytes int8 not null, armed bool not null, timer text collate "C", condition text collate "C",
  primary key (gather, context, n)
);
create table millrace.gathered (
  gather text collate "C", context text collate "C", place int8 generated always as identity,
  type text collate "C" not null, version int4 not null, data text collate "C" not null,
  primary key (gather, context, place)
);`
