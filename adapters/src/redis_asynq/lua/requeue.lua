-- Gives tasks back that were taken and not run (protocol 3.8): to the right
-- end, so that they are the next ones taken, the last of ARGV first.
-- KEYS: active, lease, pending
-- ARGV: task key prefix, then ids
-- Replies with how many were given back.
local moved = 0
for at = 2, #ARGV do
  local id = ARGV[at]
  if redis.call('LREM', KEYS[1], -1, id) > 0 and redis.call('ZREM', KEYS[2], id) > 0 then
    redis.call('RPUSH', KEYS[3], id)
    redis.call('HSET', ARGV[1] .. id, 'state', 'pending')
    moved = moved + 1
  end
end
return moved
