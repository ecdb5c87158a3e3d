-- Gives tasks to a worker, the oldest first (protocol 3.5).
-- KEYS: pending, paused, active, lease
-- ARGV: task key prefix, expiry of the lease in s, how many at most
-- Replies with their messages; an empty one where a task's record is missing.
if redis.call('EXISTS', KEYS[2]) == 1 then
  return {}
end
local ids = redis.call('RPOP', KEYS[1], ARGV[3])
if not ids then
  return {}
end
redis.call('LPUSH', KEYS[3], unpack(ids))
local messages, leases = {}, {}
for place, id in ipairs(ids) do
  local task = ARGV[1] .. id
  redis.call('HSET', task, 'state', 'active')
  redis.call('HDEL', task, 'pending_since')
  messages[place] = redis.call('HGET', task, 'msg') or ''
  leases[2 * place - 1] = ARGV[2]
  leases[2 * place] = id
end
redis.call('ZADD', KEYS[4], unpack(leases))
return messages
