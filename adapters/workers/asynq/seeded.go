package main

const goldenGamma = 0x9e3779b97f4a7c15

// mix is SplitMix64's finaliser (Steele, Lea, Flood: "Fast splittable
// pseudorandom number generators", OOPSLA 2014; Stafford's variant 13).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// valueAt is the place-th output of SplitMix64 for a seed.
func valueAt(seed, place uint64) uint64 {
	return mix(seed + (place+1)*goldenGamma)
}

// purpose is a seed of its own for one purpose.
func purpose(seed, purpose uint64) uint64 {
	return mix(seed ^ mix(purpose*goldenGamma))
}

// attemptFails reports whether an attempt (0 is the first) of a task is planned
// to fail, at failPPM failures per million attempts.
func attemptFails(seed, id uint64, attempt uint32, failPPM uint64) bool {
	return mix(mix(seed^id)+uint64(attempt))%1_000_000 < failPPM
}
