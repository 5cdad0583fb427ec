// How others publish in transactions of their own: triggers, and programs in any language. They depend on these functions and
// on no column of ours. Nobody may call them until an administrator grants it.
//
// `publish` takes the types that an app has declared or handled before. It checks no data by a schema: what does not fit goes
// to the desk, as after a deployment. `publish_in` is for an app itself, which has checked its message.
export const schemaPublish = `
create function millrace.put(
  topic text, type text, version int4, kind int4, id text, own bool, at int8, context text, trace text, data json
) returns text language plpgsql
  set search_path = pg_catalog, pg_temp set "millrace.tx" = 'publish' as $$
declare
  source_id int4; xid_now int8; digest bytea; taken record;
begin
  select s.id into source_id from millrace.sources s where s.name = topic;
  if not found then raise exception 'millrace knows no topic or channel "%"', topic using errcode = 'MRP01'; end if;
  xid_now := pg_current_xact_id()::text::int8 + (select value::int8 from millrace.meta where key = 'offset');
  if own then
    insert into millrace.ids as o (type, id, source, hash, stream, xid)
      values (put.type, put.id, '', sha256(convert_to(version || ' ' || data::text, 'UTF8')), source_id << 16, xid_now)
      on conflict on constraint ids_pkey do update set hash = o.hash
      returning o.xmax = 0 as free, o.xid into taken;
    if not taken.free then
      perform 1 from (
        select m.data from millrace.messages m where m.xid = taken.xid and m.id = put.id
        union all
        select t.data from millrace.timers t where t.type = put.type and t.message_id = put.id and t.own_id = 1
      ) first where case when first.data = put.data::text then true else first.data::jsonb = put.data::jsonb end;
      return case when found then 'same' else 'other' end;
    end if;
  end if;
  digest := sha256(convert_to(coalesce(context, id), 'UTF8'));
  insert into millrace.messages (xid, slot, flags, stream, time, kind, id, context, trace, data)
    values (xid_now, (get_byte(digest, 0) * 256 + get_byte(digest, 1)) % 16384, own::int, source_id << 16,
      at, kind, id, context, trace, data::text);
  return 'new';
end $$;
revoke execute on function millrace.put from public;

create function millrace.publish(
  topic text, type text, data json, context text default null, id text default null
) returns text language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $$
declare
  kind_row millrace.kinds; of_id text := coalesce(id, gen_random_uuid()::text);
begin
  select k.* into kind_row from millrace.kinds k where k.type = publish.type and k.source <> ''
    order by k.version desc, k.id desc limit 1;
  if not found then raise exception 'millrace knows no type "%"', type using errcode = 'MRP02'; end if;
  if millrace.put(topic, type, kind_row.version, kind_row.id, of_id, id is not null,
    (extract(epoch from clock_timestamp()) * 1000)::int8, context, null, data) = 'other'
  then
    raise exception 'id "%" has another message already', of_id using errcode = 'MRP03';
  end if;
  return of_id;
end $$;
revoke execute on function millrace.publish(text, text, json, text, text) from public;

create function millrace.publish(messages json) returns setof text language sql security definer
  set search_path = pg_catalog, pg_temp as $$
  select millrace.publish(m ->> 'topic', m ->> 'type', m -> 'data', m ->> 'context', m ->> 'id')
  from json_array_elements(messages) with ordinality list(m, n) order by n
$$;
revoke execute on function millrace.publish(json) from public;

create function millrace.publish_in(
  topic text, type text, version int4, source text, id text, own bool, at int8, context text, trace text, data json
) returns text language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $$
declare
  kind_id int4;
begin
  select k.id into kind_id from millrace.kinds k
    where k.type = publish_in.type and k.version = publish_in.version and k.source = publish_in.source;
  if not found then return 'unknown'; end if;
  return millrace.put(topic, type, version, kind_id, id, own, at, context, trace, data);
end $$;
revoke execute on function millrace.publish_in from public;
`
