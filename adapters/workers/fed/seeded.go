package fed

// mix is SplitMix64's finaliser (Steele, Lea, Flood: "Fast splittable
// pseudorandom number generators", OOPSLA 2014; Stafford's variant 13).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// attemptFails reports whether an attempt (0 is the first) of a task is
// planned to fail, at failPPM failures per million. Workers in every language
// agree on it.
func attemptFails(seed, id uint64, attempt uint32, failPPM uint64) bool {
	return mix(mix(seed^id)+uint64(attempt))%1_000_000 < failPPM
}
