package stream

import "context"

// A Publisher stores events in a stream. It is called concurrently.
type Publisher interface {
	// Publish stores events, each of another subject, and returns when they are on disk. An
	// event whose source and id are stored already must not be stored again.
	//
	// results has an error for each event, in their order: nil for an event that is stored
	// now or was before, fault.ErrInvalid for one that can never be stored, and any other
	// error for one to publish again. err means that the outcome of all of them is unknown;
	// fault.ErrInvalid means that one of them is the reason.
	Publish(ctx context.Context, events []Event) (results []error, err error)
}
