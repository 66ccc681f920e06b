package mypage

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	mypagev1 "github.com/bongsu-project/bongsu/gen/go/library/mypage/v1"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// bucket is the name of the bucket of the view.
const bucket = "library-mypage"

// A View keeps the entries of all customers in a bucket of NATS. It is safe for concurrent use, also
// by several processes.
type View struct {
	js jetstream.JetStream
	kv jetstream.KeyValue
}

// OpenView opens the view, and creates it with copies on a number of NATS servers if it is missing.
func OpenView(ctx context.Context, js jetstream.JetStream, replicas int) (*View, error) {
	kv, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: bucket, Description: "MyPage of the library", Storage: jetstream.FileStorage, Replicas: replicas,
	})
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", bucket, err)
	}
	return &View{js, kv}, nil
}

// Ping returns fault.ErrUnavailable unless the bucket responds.
func (v *View) Ping(ctx context.Context) error {
	if _, err := v.kv.Status(ctx); err != nil {
		return fault.Unavailablef("the bucket of MyPage is unavailable: %w", err)
	}
	return nil
}

// Apply merges an event into the entry of its reservation. Events that are about no reservation of
// a customer are ignored.
func (v *View) Apply(ctx context.Context, m proto.Message, at time.Time) error {
	about, ok := m.(interface {
		GetReservationId() string
		GetCustomer() string
	})
	if !ok {
		return nil
	}
	for {
		err := v.apply(ctx, about.GetCustomer(), about.GetReservationId(), m, at)
		if !errors.Is(err, jetstream.ErrKeyExists) { // another process has changed the entry
			return err
		}
	}
}

func (v *View) apply(ctx context.Context, customer, reservationID string, m proto.Message, at time.Time) error {
	name, entry := key(customer, reservationID), &mypagev1.Entry{Customer: customer, ReservationId: reservationID}
	stored, err := v.kv.Get(ctx, name)
	switch {
	case err == nil:
		entry, err = decode(stored)
	case errors.Is(err, jetstream.ErrKeyNotFound):
		err = nil
	}
	if err != nil || !merge(entry, m, at) {
		return err
	}
	value, err := protojson.Marshal(entry)
	if err != nil {
		return err
	}
	if stored == nil {
		_, err = v.kv.Create(ctx, name, value)
	} else {
		_, err = v.kv.Update(ctx, name, value, stored.Revision())
	}
	return err
}

// List returns the entries of a customer, in no order.
func (v *View) List(ctx context.Context, customer string) (all []*mypagev1.Entry, err error) {
	err = v.watch(ctx, customer, func(entry *mypagev1.Entry) error {
		if entry == nil {
			return errComplete
		}
		all = append(all, entry)
		return nil
	})
	if errors.Is(err, errComplete) {
		err = nil
	}
	return all, err
}

// errComplete ends a watch after the stored entries.
var errComplete = errors.New("the stored entries are complete")

// Watch calls send with each entry of a customer, the oldest change first, and then with each one
// that changes, until ctx ends or send returns an error.
func (v *View) Watch(ctx context.Context, customer string, send func(*mypagev1.Entry) error) error {
	return v.watch(ctx, customer, func(entry *mypagev1.Entry) error {
		if entry == nil {
			return nil
		}
		return send(entry)
	})
}

// watch is Watch, and calls send with nil after the stored entries.
func (v *View) watch(ctx context.Context, customer string, send func(*mypagev1.Entry) error) error {
	w, err := v.kv.Watch(ctx, key(customer, "*"), jetstream.IgnoreDeletes())
	if err != nil {
		return fault.Unavailablef("MyPage is unavailable; try again: %w", err)
	}
	defer func() { _ = w.Stop() }() // it fails only without a connection
	for {
		select {
		case stored, open := <-w.Updates():
			if !open {
				return fault.Unavailablef("MyPage has ended; try again")
			}
			var entry *mypagev1.Entry
			if stored != nil {
				if entry, err = decode(stored); err != nil {
					return err
				}
			}
			if err := send(entry); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Clear deletes all entries. Revisions continue to increase.
func (v *View) Clear(ctx context.Context) error {
	stream, err := v.js.Stream(ctx, "KV_"+bucket)
	if err != nil {
		return fmt.Errorf("clear bucket %s: %w", bucket, err)
	}
	if err := stream.Purge(ctx); err != nil {
		return fmt.Errorf("clear bucket %s: %w", bucket, err)
	}
	return nil
}

// key returns the key of an entry. A nickname may have characters that a key must not have.
func key(customer, reservationID string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(customer)) + "." + reservationID
}

func decode(stored jetstream.KeyValueEntry) (*mypagev1.Entry, error) {
	entry := new(mypagev1.Entry)
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(stored.Value(), entry); err != nil {
		return nil, fmt.Errorf("entry %s: %w", stored.Key(), err)
	}
	entry.Revision = stored.Revision()
	return entry, nil
}
