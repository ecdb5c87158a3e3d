module schedbench/go-timers

go 1.26.0

require (
	github.com/RussellLuo/timingwheel v0.0.0-20220218152713-54845bda3108
	github.com/madflojo/tasks v1.2.1
	schedbench/fed v0.0.0
)

require github.com/rs/xid v1.6.0 // indirect

replace schedbench/fed => ../fed
