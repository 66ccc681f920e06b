package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"connectrpc.com/connect"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	productv1 "github.com/bongsu-project/bongsu/gen/go/library/product/v1"
	"github.com/bongsu-project/bongsu/gen/go/library/product/v1/productv1connect"

	bongsueventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
)

// seedRetry is the delay before a call is repeated that Bongsu cannot serve yet.
const seedRetry = 200 * time.Millisecond

// smsCredential is the credential of the fake provider of short messages.
const smsCredential = "AC0123456789abcdef:secret:+15005550006"

// customers are the first customers, with the numbers of their telephones.
var customers = map[string]string{"mina": "+821012345678", "jun": "+821087654321"}

// books are the first books, with their copies.
var books = map[string]int32{"Emma": 3, "Dracula": 1, "구운몽": 2}

// A seeder creates what the library needs in Bongsu, by its API. What exists stays.
type seeder struct {
	edge   string
	client *http.Client // with the admin key
}

// seed creates the customers, the keys, the rules and the first books, and writes the keys into
// keys.json in --data.
func (c *serveCmd) seed(ctx context.Context, bongsu *bongsuProcess, natsURL string) error {
	err := c.trySeed(ctx, bongsu, natsURL)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the process stops
	}
	return err
}

func (c *serveCmd) trySeed(ctx context.Context, bongsu *bongsuProcess, natsURL string) error {
	edge, err := bongsu.Edge(ctx)
	if err != nil {
		return err
	}
	admin, err := bongsu.AdminKey()
	if err != nil {
		return err
	}
	s := seeder{edge, &http.Client{Transport: keyTransport(admin)}}
	if err := errors.Join(s.users(ctx), s.rules(ctx, c.PublicURL), s.keys(ctx, filepath.Join(c.Data, "keys.json"), admin), s.books(ctx)); err != nil {
		return fmt.Errorf("prepare the library: %w", err)
	}
	c.Log.Info("the library is ready", "edge", edge, "keys", filepath.Join(c.Data, "keys.json"), "nats", natsURL)
	return nil
}

// users creates the customers, with an inbox and a telephone.
func (s seeder) users(ctx context.Context) error {
	users := userv1connect.NewUserServiceClient(s.client, s.edge)
	for name, number := range customers {
		_, err := retry(ctx, users.CreateUser, &userv1.CreateUserRequest{NickName: name, Addresses: []*userv1.NewAddress{
			{Messenger: "inbox"},
			{Messenger: "twilio", Credential: smsCredential, Destination: number},
		}})
		if err != nil && connect.CodeOf(err) != connect.CodeAlreadyExists {
			return fmt.Errorf("user %s: %w", name, err)
		}
	}
	return nil
}

// rules creates the event rules, or replaces those of the same names.
func (s seeder) rules(ctx context.Context, publicURL string) error {
	events := eventv1connect.NewEventServiceClient(s.client, s.edge)
	for _, rule := range notifications(publicURL) {
		_, err := retry(ctx, events.CreateEventRule, &bongsueventv1.CreateEventRuleRequest{Rule: rule})
		if connect.CodeOf(err) == connect.CodeAlreadyExists {
			_, err = retry(ctx, events.UpdateEventRule, &bongsueventv1.UpdateEventRuleRequest{Name: rule.GetName(), Rule: rule})
		}
		if err != nil {
			return fmt.Errorf("event rule %s: %w", rule.GetName(), err)
		}
	}
	return nil
}

// keys creates the keys of the librarian and the customers, and writes them into a file with that
// of the administrator.
func (s seeder) keys(ctx context.Context, path, admin string) error {
	keys := map[string]string{}
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		if err := json.Unmarshal(text, &keys); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	keys["admin"] = admin
	wanted := []*accessv1.CreateKeyRequest{{Name: "librarian", Role: "operator"}}
	for name := range customers {
		wanted = append(wanted, &accessv1.CreateKeyRequest{Name: name, Role: "user", NickName: name})
	}
	access := accessv1connect.NewAccessServiceClient(s.client, s.edge)
	for _, key := range wanted {
		if keys[key.GetName()] != "" {
			continue
		}
		created, err := retry(ctx, access.CreateKey, key)
		if err != nil {
			return fmt.Errorf("key of %s: %w", key.GetName(), err)
		}
		keys[key.GetName()] = created.GetKey()
	}
	text, err = json.MarshalIndent(keys, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}

// books puts the first books in stock, once.
func (s seeder) books(ctx context.Context) error {
	products := productv1connect.NewProductServiceClient(s.client, s.edge)
	for title, copies := range books {
		_, err := retry(ctx, products.AddStock, &productv1.AddStockRequest{Title: title, Copies: copies, IdempotencyKey: "first " + title})
		if err != nil {
			return fmt.Errorf("book %s: %w", title, err)
		}
	}
	return nil
}

// retry calls a method until it is served: by a service of Bongsu that starts, or by one that the
// edge does not know yet.
func retry[Req, Res any](ctx context.Context, call func(context.Context, *Req) (*Res, error), req *Req) (*Res, error) {
	for {
		res, err := call(ctx, req)
		if code := connect.CodeOf(err); err == nil || code != connect.CodeUnavailable && code != connect.CodeUnimplemented {
			return res, err
		}
		select {
		case <-time.After(seedRetry):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// keyTransport sends an API key with each request.
type keyTransport string

// RoundTrip implements http.RoundTripper.
func (k keyTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+string(k))
	return http.DefaultTransport.RoundTrip(req)
}
