package stream

import "time"

// Encode returns an event as the stream gets it, or the error of Add.
func Encode(e Event) ([]byte, error) {
	e.complete(time.Now())
	if err := e.validate(); err != nil {
		return nil, err
	}
	return e.marshal()
}
