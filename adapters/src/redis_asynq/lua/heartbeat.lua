-- Renews what a worker process says of itself (protocol 3.13).
-- KEYS: the server's key, the key of its running tasks
-- ARGV: seconds to live, the server's message, then an id and a message per task
redis.call('SETEX', KEYS[1], ARGV[1], ARGV[2])
redis.call('DEL', KEYS[2])
for at = 3, #ARGV, 2 do
  redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
end
redis.call('EXPIRE', KEYS[2], ARGV[1])
return 1
