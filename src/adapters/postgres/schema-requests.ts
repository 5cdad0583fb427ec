/** Requests, until some time after their end. `asker`: the process that waits for the end. */
export const requestsSchema: string = `
create table millrace.requests (
  id text collate "C" primary key, slot int2 not null, type text collate "C" not null, state text collate "C" not null,
  item int8, outcome text collate "C", asker text collate "C", asked_at int8 not null, ended_at int8
);
create index requests_ended on millrace.requests (ended_at) where ended_at is not null;`
