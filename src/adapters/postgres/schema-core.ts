// The log, and who owns what. All texts are compared by their bytes, so that the order is that of JavaScript and no
// upgrade of the server's collations breaks an index.
//
// - A message is inserted once, by anybody, unnumbered: its key is its transaction and a number of a sequence. `runs` give
//   positions to it. `xid` is the number of the transaction plus an offset, which a move to another cluster raises.
// - The newest message of a stream stays: its run says where the next one goes.
// - `slot` is of the context, never of a partition: how many partitions there are may change.
// - `commits` has one row for each commit, and is folded into `progress`: no row is updated in each commit.
// - A stream is source × 65,536 + partition.
export const schemaCore = `
create table millrace.meta (key text collate "C" primary key, value text collate "C" not null);

create table millrace.sources (
  id int4 generated always as identity (maxvalue 32767) primary key,
  kind text collate "C" not null, name text collate "C" not null unique
);

create table millrace.kinds (
  id int4 generated always as identity primary key,
  type text collate "C" not null, version int4 not null, source text collate "C" not null,
  unique (type, version, source)
);

create sequence millrace.messages_seq cache 1;
create table millrace.messages (
  xid int8 not null default (pg_current_xact_id()::text::int8 + 0),
  seq int8 not null default nextval('millrace.messages_seq'),
  slot int2 not null, flags int2 not null, stream int4 not null, time int8 not null, kind int4 not null,
  id text collate "C" not null, context text collate "C", correlation text collate "C", causation text collate "C",
  trace text collate "C", data text collate "C" not null, attributes text collate "C",
  primary key (xid, seq) include (slot)
);

create table millrace.runs (
  stream int4, position int8, count int4 not null, xid int8 not null, seq_from int8 not null, seq_to int8 not null,
  -- all data of the stream up to and with this run
  bytes int8 not null,
  primary key (stream, position)
);

create table millrace.ids (
  type text collate "C", id text collate "C", source text collate "C", hash bytea not null,
  stream int4 not null, xid int8 not null, primary key (type, id, source)
);

create table millrace.commits (
  unit int2, n int8, epoch int8 not null, token text collate "C" not null,
  -- what is numbered with it: all that this snapshot shows, and what transaction xid has written
  xid int8 not null, snapshot text collate "C" not null, progress text collate "C" not null, primary key (unit, n)
);
create table millrace.folded (unit int2 primary key, n int8 not null, snapshot text collate "C" not null);
create table millrace.progress (
  processor text collate "C", stream int4, epoch int8 not null, generation int4 not null default 0, low int8 not null,
  done bytea, primary key (processor, stream)
);
create table millrace.marks (
  processor text collate "C", stream int4, position int8, primary key (processor, stream, position)
);

create table millrace.leases (
  unit int2 primary key, owner text collate "C", epoch int8 not null, clean boolean not null default true
);
create table millrace.processes (
  id text collate "C" primary key, beat int8 not null default 0, code text collate "C" not null,
  host text collate "C" not null, place text collate "C" not null, pid int4 not null, since int8 not null
);
insert into millrace.leases (unit, owner, epoch) values (0, null, 0);
insert into millrace.folded (unit, n, snapshot) values (0, 0, pg_current_snapshot()::text);

create function millrace.server() returns text language sql stable as $$
  select extract(epoch from pg_postmaster_start_time())::text || case when pg_is_in_recovery() then ' replica' else '' end
$$;
-- an owner writes while it has the lease, on the server that it has taken over: after a crash or a failover numbers of
-- transactions are given out again, and its memory is wrong
create function millrace.fence(held bigint, server text, xmax bigint) returns boolean language plpgsql as $$
begin
  perform 1 from millrace.leases where unit = 0 and epoch = held for share;
  if not found then raise exception 'the lease of epoch % has ended', held using errcode = 'MRL01'; end if;
  if millrace.server() <> server or pg_snapshot_xmax(pg_current_snapshot())::text::bigint < xmax then
    raise exception 'the server is another one, or has started again' using errcode = 'MRL01';
  end if;
  return true;
end $$;

create function millrace.unguarded() returns trigger language plpgsql as $$
begin
  raise exception 'tables of Millrace are written in its transactions only' using errcode = 'MRG01';
end $$;
`

/** Refuses every write of ours that is in no transaction of ours: one whose `begin` was cancelled, or has ended. */
export const guardAll = `
do $$
declare one text;
begin
  for one in select relname from pg_class c where relnamespace = 'millrace'::regnamespace and relkind = 'r'
    and not exists (select 1 from pg_trigger where tgrelid = c.oid and tgname = 'guard')
  loop
    execute format('create trigger guard before insert or update or delete on millrace.%I for each statement
      when (coalesce(current_setting(''millrace.tx'', true), '''') = '''') execute function millrace.unguarded()', one);
  end loop;
end $$;
`
