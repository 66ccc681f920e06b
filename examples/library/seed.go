package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bongsu-project/bongsu/examples/internal/platform"
	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	productv1 "github.com/bongsu-project/bongsu/gen/go/library/product/v1"
	"github.com/bongsu-project/bongsu/gen/go/library/product/v1/productv1connect"
)

// smsCredential is the credential of the fake provider of short messages.
const smsCredential = "AC0123456789abcdef:secret:+15005550006"

// customers are the first customers, with the numbers of their telephones.
var customers = map[string]string{"mina": "+821012345678", "jun": "+821087654321"}

// books are the first books, with their copies.
var books = map[string]int32{"Emma": 3, "Dracula": 1, "구운몽": 2}

// prepare creates the customers, the keys, the rules and the first books, and writes the keys into
// keys.json in --data. Existing ones are kept.
func (c *serveCmd) prepare(ctx context.Context, beside *platform.Platform) error {
	err := c.seed(ctx, beside)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the process stops
	}
	return err
}

func (c *serveCmd) seed(ctx context.Context, beside *platform.Platform) error {
	edge, err := beside.Edge(ctx)
	if err != nil {
		return err
	}
	keys := filepath.Join(c.Data, "keys.json")
	err = errors.Join(seedUsers(ctx, edge), edge.SetRules(ctx, notifications(c.PublicURL)), seedKeys(ctx, edge, keys), seedBooks(ctx, edge))
	if err != nil {
		return fmt.Errorf("prepare the library: %w", err)
	}
	c.Log.Info("the library is ready", "web", c.PublicURL, "edge", edge.URL, "keys", keys)
	return nil
}

// seedUsers creates the customers, with an inbox and a telephone.
func seedUsers(ctx context.Context, edge platform.Edge) error {
	users := userv1connect.NewUserServiceClient(edge.Client, edge.URL)
	for name, number := range customers {
		err := platform.Create(ctx, users.CreateUser, &userv1.CreateUserRequest{NickName: name, Addresses: []*userv1.NewAddress{
			{Messenger: "inbox"},
			{Messenger: "twilio", Credential: smsCredential, Destination: number},
		}})
		if err != nil {
			return fmt.Errorf("user %s: %w", name, err)
		}
	}
	return nil
}

// seedKeys creates the keys of the librarian and the customers, and writes them into a file with that
// of the administrator.
func seedKeys(ctx context.Context, edge platform.Edge, path string) error {
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
	keys["admin"] = edge.AdminKey
	wanted := []*accessv1.CreateKeyRequest{{Name: "librarian", Role: "operator"}}
	for name := range customers {
		wanted = append(wanted, &accessv1.CreateKeyRequest{Name: name, Role: "user", NickName: name})
	}
	access := accessv1connect.NewAccessServiceClient(edge.Client, edge.URL)
	for _, key := range wanted {
		if keys[key.GetName()] != "" {
			continue
		}
		created, err := platform.Retry(ctx, access.CreateKey, key)
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

// seedBooks puts the first books in stock, once.
func seedBooks(ctx context.Context, edge platform.Edge) error {
	products := productv1connect.NewProductServiceClient(edge.Client, edge.URL)
	for title, copies := range books {
		_, err := platform.Retry(ctx, products.AddStock, &productv1.AddStockRequest{Title: title, Copies: copies, IdempotencyKey: "first " + title})
		if err != nil {
			return fmt.Errorf("book %s: %w", title, err)
		}
	}
	return nil
}
