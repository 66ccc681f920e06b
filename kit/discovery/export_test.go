package discovery

import "github.com/nats-io/nats.go"

// ConnOf returns the connection of a bucket.
func ConnOf(b *Bucket) *nats.Conn { return b.conn }
