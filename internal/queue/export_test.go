package queue

// Held returns the number of messages in the lanes.
func (l *Lanes) Held() (n int) {
	for _, lane := range l.lanes {
		n += len(lane)
	}
	return n
}

// Server returns the URL of the server that the queue is connected to.
func (q *Queue) Server() string { return q.conn.ConnectedUrl() }
