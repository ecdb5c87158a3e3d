-- Sets tasks aside for good (protocol 3.10).
-- KEYS: active, lease, archived, processed today, failed today, processed, failed
-- ARGV: task key prefix, expiry of today's counters in s, largest integer,
--       now in s, the second before which archived tasks go, how many may be
--       archived, then an id and a message per task
-- Replies with the places, from 1, of ids that were not held.
local missing, moved = {}, 0
for at = 7, #ARGV, 2 do
  local id = ARGV[at]
  if redis.call('LREM', KEYS[1], -1, id) == 0 or redis.call('ZREM', KEYS[2], id) == 0 then
    missing[#missing + 1] = (at - 5) / 2
  else
    redis.call('ZADD', KEYS[3], ARGV[4], id)
    redis.call('HSET', ARGV[1] .. id, 'msg', ARGV[at + 1], 'state', 'archived')
    moved = moved + 1
  end
end
if moved > 0 then
  local function forget(ids)
    for _, id in ipairs(ids) do
      redis.call('DEL', ARGV[1] .. id)
      redis.call('ZREM', KEYS[3], id)
    end
  end
  forget(redis.call('ZRANGE', KEYS[3], '-inf', ARGV[5], 'BYSCORE'))
  forget(redis.call('ZRANGE', KEYS[3], 0, -tonumber(ARGV[6])))
  for day = 4, 5 do
    if redis.call('INCRBY', KEYS[day], moved) == moved then
      redis.call('EXPIREAT', KEYS[day], ARGV[2])
    end
  end
  if redis.call('GET', KEYS[6]) == ARGV[3] then
    redis.call('SET', KEYS[6], moved)
    redis.call('SET', KEYS[7], moved)
  else
    redis.call('INCRBY', KEYS[6], moved)
    redis.call('INCRBY', KEYS[7], moved)
  end
end
return missing
