-- Removes tasks whose handlers completed (protocol 3.6).
-- KEYS: active, lease, processed today, processed
-- ARGV: task key prefix, expiry of today's counter in s, largest integer, then ids
-- Replies with the places, from 1, of ids that were not held.
local missing, done = {}, 0
for at = 4, #ARGV do
  local id = ARGV[at]
  -- Workers acknowledge in about the order they took: look from the old end.
  if redis.call('LREM', KEYS[1], -1, id) == 0
    or redis.call('ZREM', KEYS[2], id) == 0
    or redis.call('DEL', ARGV[1] .. id) == 0 then
    missing[#missing + 1] = at - 3
  else
    done = done + 1
  end
end
if done > 0 then
  if redis.call('INCRBY', KEYS[3], done) == done then
    redis.call('EXPIREAT', KEYS[3], ARGV[2])
  end
  if redis.call('GET', KEYS[4]) == ARGV[3] then
    redis.call('SET', KEYS[4], done)
  else
    redis.call('INCRBY', KEYS[4], done)
  end
end
return missing
