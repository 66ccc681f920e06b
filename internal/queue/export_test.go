package queue

// Held says how many messages the lanes hold for Take.
func (l *Lanes) Held() (n int) {
	for _, lane := range l.lanes {
		n += len(lane)
	}
	return n
}
