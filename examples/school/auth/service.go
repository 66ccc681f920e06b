package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/bongsu-project/bongsu/gen/go/school/auth/v1/authv1connect"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/process"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// A Config holds the settings of the service.
type Config struct {
	DatabaseURL string
	SigningKeys string // the path of the file with the keys that sign tokens
	IssuerURL   string // in tokens; empty for the address of the service
	Publisher   stream.Publisher
}

// A Service is the service in a process.
type Service struct {
	store  *Store
	issuer *issuer
}

// AddTo adds the service to a process.
func AddTo(ctx context.Context, p *process.Process, c Config) (*Service, error) {
	db, err := database.Open(ctx, c.DatabaseURL, Schema)
	if err != nil {
		return nil, err
	}
	s, err := newService(ctx, p, c, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func newService(ctx context.Context, p *process.Process, c Config, db *database.Database) (*Service, error) {
	outbox, err := stream.NewOutbox(db.Writer(), db.Dialect(), c.Publisher, stream.OutboxOptions{Log: p.Log()})
	if err != nil {
		return nil, err
	}
	if err := outbox.Migrate(ctx); err != nil {
		return nil, err
	}
	issuer, err := newIssuer(c.IssuerURL, c.SigningKeys, time.Now)
	if err != nil {
		return nil, err
	}
	store := NewStore(db, outbox)
	h, err := NewHandler(ctx, store, issuer, time.Now, p.Log())
	if err != nil {
		return nil, err
	}
	err = p.Add(ctx, process.Service{
		Name:         "auth",
		Services:     []rpc.Service{rpc.Public(p.RPC(), authv1connect.NewAuthServiceHandler, authv1connect.AuthServiceHandler(h))},
		OpenHandlers: map[string]http.Handler{"GET /.well-known/openid-configuration": issuer.handler(), "GET /jwks.json": issuer.handler()},
		Ready:        db.Ping,
		Streams:      []stream.Worker{outbox},
		Close:        db.Close,
	})
	if err != nil {
		return nil, err
	}
	if issuer.url == "" {
		issuer.url = "http://" + p.Addr("auth") // requests wait until the process runs
	}
	return &Service{store, issuer}, nil
}

// Issuer returns the URL of the issuer.
func (s *Service) Issuer() string { return s.issuer.url }

// Sync brings all approved accounts into the directory of Bongsu, and tries again until it has.
func (s *Service) Sync(ctx context.Context, d Directory) error {
	for {
		changes, err := s.store.Changes(ctx, 1)
		if err != nil || len(changes) == 0 {
			return err
		}
		if err := d.sync(ctx, s.store); err != nil {
			d.Log.WarnContext(ctx, "directory is behind; trying again", "error", err)
			select {
			case <-time.After(directoryInterval):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// SyncDirectory brings approved accounts into the directory of Bongsu until ctx ends.
func (s *Service) SyncDirectory(ctx context.Context, d Directory) error { return d.run(ctx, s.store) }

// Seed creates approved accounts with one password. Those that exist stay as they are.
func (s *Service) Seed(ctx context.Context, password string, accounts ...Account) error {
	hash, err := newPasswords().hash(ctx, password)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		a.Created = time.Now()
		if err := s.store.addNew(ctx, a, hash); err != nil {
			return err
		}
		if _, err := s.store.Approve(ctx, a.ID, func(Account) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}
