-- Moves tasks that have become due to pending (protocol 3.11; no groups).
-- KEYS: scheduled or retry, pending
-- ARGV: task key prefix, now in s, now in ns, how many at most
-- Replies with how many were moved.
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2], 'LIMIT', 0, ARGV[4])
if #ids == 0 then
  return 0
end
redis.call('LPUSH', KEYS[2], unpack(ids))
redis.call('ZREM', KEYS[1], unpack(ids))
for _, id in ipairs(ids) do
  redis.call('HSET', ARGV[1] .. id, 'state', 'pending', 'pending_since', ARGV[3])
end
return #ids
