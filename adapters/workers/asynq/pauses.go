package main

import (
	"runtime/debug"
	"time"
)

// The runtime remembers 256 pauses; far fewer happen in this time.
const lookForPauses = 500 * time.Millisecond

// reportPauses reports the garbage collector's pauses until stop is closed.
func reportPauses(e *events, stop <-chan struct{}) {
	ticker := time.NewTicker(lookForPauses)
	defer ticker.Stop()
	var stats debug.GCStats
	debug.ReadGCStats(&stats)
	seen := stats.NumGC
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		debug.ReadGCStats(&stats)
		// The runtime stamps pauses with the wall clock.
		offset := nanotime() - time.Now().UnixNano()
		fresh := min(stats.NumGC-seen, int64(len(stats.Pause)), int64(len(stats.PauseEnd)))
		for n := fresh - 1; n >= 0; n-- {
			end := stats.PauseEnd[n].UnixNano() + offset
			e.add(record{status: pause, start: end - int64(stats.Pause[n]), end: end})
		}
		seen = stats.NumGC
	}
}
