package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// Fanout returns a publisher that stores each event by all of publishers, at the same time. An
// event is stored when all have stored it. One that a publisher could not store is published again
// by all, and those that have it drop it. One that a publisher refuses as invalid is refused, once
// no other one is in doubt; those that took it keep it.
func Fanout(publishers ...Publisher) Publisher { return fanout(publishers) }

type fanout []Publisher

// Publish implements Publisher.
func (f fanout) Publish(ctx context.Context, events []Event) ([]error, error) {
	each := make([][]error, len(f))
	errs := make([]error, len(f))
	var all sync.WaitGroup
	for i, publisher := range f {
		all.Go(func() {
			each[i], errs[i] = publisher.Publish(ctx, events)
			if errs[i] == nil && len(each[i]) != len(events) {
				errs[i] = fmt.Errorf("a publisher returned %d results for %d events", len(each[i]), len(events))
			}
			if errs[i] != nil && len(events) == 1 {
				each[i], errs[i] = []error{errs[i]}, nil
			}
		})
	}
	all.Wait()
	if err := worst(errs); err != nil {
		return nil, err
	}
	results := make([]error, len(events))
	for event := range events {
		outcomes := make([]error, len(f))
		for i := range f {
			outcomes[i] = each[i][event]
		}
		results[event] = worst(outcomes)
	}
	return results, nil
}

// worst returns the errors by which an event is published again or, without one, those by which it
// is invalid.
func worst(errs []error) error {
	var again, invalid []error
	for _, err := range errs {
		switch {
		case err == nil:
		case errors.Is(err, fault.ErrInvalid):
			invalid = append(invalid, err)
		default:
			again = append(again, err)
		}
	}
	switch {
	case len(again) == 1:
		return again[0]
	case len(again) > 1:
		return errors.Join(again...)
	case len(invalid) == 1:
		return invalid[0]
	}
	return errors.Join(invalid...)
}
