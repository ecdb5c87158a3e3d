-- Puts failed tasks aside until their next attempt (protocol 3.9).
-- KEYS: active, lease, retry, processed today, failed today, processed, failed
-- ARGV: task key prefix, expiry of today's counters in s, largest integer,
--       then an id, a message and the second of the next attempt per task
-- Replies with the places, from 1, of ids that were not held.
local missing, moved = {}, 0
for at = 4, #ARGV, 3 do
  local id = ARGV[at]
  if redis.call('LREM', KEYS[1], -1, id) == 0 or redis.call('ZREM', KEYS[2], id) == 0 then
    missing[#missing + 1] = (at - 1) / 3
  else
    redis.call('ZADD', KEYS[3], ARGV[at + 2], id)
    redis.call('HSET', ARGV[1] .. id, 'msg', ARGV[at + 1], 'state', 'retry')
    moved = moved + 1
  end
end
if moved > 0 then
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
