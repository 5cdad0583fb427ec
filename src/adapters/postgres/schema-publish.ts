// How others publish in transactions of their own: triggers, and programs in any language. They depend on these functions and
// on no column of ours. Nobody may call them until an administrator grants it.
//
// Types and their versions are those that the app has published or handled before. Data are not checked by a schema here:
// what does not fit goes to the desk, as after a deployment.
export const schemaPublish = `
create function millrace.publish(
  topic text, type text, data json, context text default null, id text default null
) returns text language plpgsql security definer
  set search_path = pg_catalog, pg_temp set "millrace.tx" = 'publish' as $$
declare
  source_id int4; kind_row millrace.kinds; given boolean := id is not null; of_id text := coalesce(id, gen_random_uuid()::text);
  xid_now int8; digest bytea; taken record;
begin
  select s.id into source_id from millrace.sources s where s.name = topic;
  if not found then raise exception 'millrace knows no topic or channel "%"', topic using errcode = 'MRP01'; end if;
  select k.* into kind_row from millrace.kinds k where k.type = publish.type and k.source <> ''
    order by k.version desc, k.id desc limit 1;
  if not found then raise exception 'millrace knows no type "%"', type using errcode = 'MRP02'; end if;
  xid_now := pg_current_xact_id()::text::int8 + (select value::int8 from millrace.meta where key = 'offset');
  if given then
    insert into millrace.ids as o (type, id, source, hash, stream, xid)
      values (publish.type, of_id, '', sha256(convert_to(kind_row.version || ' ' || data::text, 'UTF8')),
        source_id << 16, xid_now)
      on conflict on constraint ids_pkey do update set hash = o.hash
      returning o.xmax = 0 as free, o.xid into taken;
    if not taken.free then
      perform 1 from millrace.messages m
        where m.xid = taken.xid and m.id = of_id and m.data::jsonb = publish.data::jsonb;
      if not found then raise exception 'id "%" has another message already', of_id using errcode = 'MRP03'; end if;
      return of_id;
    end if;
  end if;
  digest := sha256(convert_to(coalesce(context, of_id), 'UTF8'));
  insert into millrace.messages (xid, slot, flags, stream, time, kind, id, context, data)
    values (xid_now, (get_byte(digest, 0) * 256 + get_byte(digest, 1)) % 16384, given::int, source_id << 16,
      (extract(epoch from clock_timestamp()) * 1000)::int8, kind_row.id, of_id, context, data::text);
  return of_id;
end $$;
revoke execute on function millrace.publish(text, text, json, text, text) from public;

create function millrace.publish(messages json) returns setof text language sql security definer
  set search_path = pg_catalog, pg_temp as $$
  select millrace.publish(m ->> 'topic', m ->> 'type', m -> 'data', m ->> 'context', m ->> 'id')
  from json_array_elements(messages) with ordinality list(m, n) order by n
$$;
revoke execute on function millrace.publish(json) from public;
`
