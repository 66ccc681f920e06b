package app

import (
	"context"
	"fmt"
	"path/filepath"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/access"
	accessstore "github.com/bongsu-project/bongsu/services/access/store"
	"github.com/bongsu-project/bongsu/services/edge"
)

// adminKeyFile is the name of the file with the admin key in the data folder.
const adminKeyFile = "admin.key"

// runAccess runs the access service in this process.
func (b *builder) runAccess(ctx context.Context) error {
	store, err := accessstore.Open(ctx, b.config.Access.DatabaseURL)
	if err != nil {
		return err
	}
	b.closeLater("the access database", store.Close)
	if err := b.createAdminKey(ctx, store); err != nil {
		return err
	}
	b.runAuditRetention(store)
	keys := &access.Handler{Store: store, Now: b.config.Now}
	credentials := &access.CredentialHandler{Store: store}
	b.access, b.credentials = keys, credentials
	b.ready = append(b.ready, store.Ping)
	return b.listen(ctx, stageServe, Access, rpc.Listener{
		Services: []rpc.Service{
			rpc.Public(b.rpc, accessv1connect.NewAccessServiceHandler, accessv1connect.AccessServiceHandler(keys)),
			rpc.Internal(b.rpc, accessv1connect.NewCredentialServiceHandler, accessv1connect.CredentialServiceHandler(credentials)),
		},
		Ready: store.Ping,
	})
}

// connectAccess connects to an access service in another process. Without authentication an edge
// needs none: it then keeps no keys, and is ready while the access service is away.
func (b *builder) connectAccess() {
	if !b.config.has(Edge) || b.config.AccessServiceURL == "" && b.config.NATSURL == "" {
		b.access = edge.NoAccess{}
		return
	}
	options := []connect.ClientOption{b.clientOptions(Access)}
	if b.config.Edge.Auth != edge.AuthRequired && b.config.AccessServiceURL == "" {
		b.accessFinder = &accessFinder{balancer: b.balancer}
		options = append([]connect.ClientOption{connect.WithInterceptors(connect.UnaryInterceptorFunc(b.accessFinder.explain))}, options...)
	}
	b.access = accessv1connect.NewAccessServiceClient(b.client, balance.BaseURL, options...)
	b.credentials = accessv1connect.NewCredentialServiceClient(b.client, balance.BaseURL, b.clientOptions(Access))
	if b.config.Edge.Auth == edge.AuthRequired {
		b.ready = append(b.ready, b.readinessOf(Access, accessv1connect.CredentialServiceName))
	}
}

// createAdminKey writes the admin key of a first start into the data folder: in a process whose
// edge requires credentials, and in one without an edge, whose edges may.
func (b *builder) createAdminKey(ctx context.Context, keys access.Keys) error {
	auth := b.config.Edge.Auth
	if auth == edge.AuthOff || auth == "" && b.config.has(Edge) {
		return nil
	}
	path := filepath.Join(b.config.Data, adminKeyFile)
	created, err := access.CreateAdminKey(ctx, keys, path, b.config.Now())
	if err != nil {
		return fmt.Errorf("create the first API key: %w", err)
	}
	if created {
		b.log.Info("created an API key with role admin, the first one", "file", path)
	}
	return nil
}

// runAuditRetention runs the retention of the audit log, unless it is kept forever.
func (b *builder) runAuditRetention(entries access.AuditLog) {
	if b.config.auditRetention == 0 {
		return
	}
	r := &access.AuditRetention{Entries: entries, Retention: b.config.auditRetention, OnDelete: b.metrics.DeletedEntries, Now: b.config.Now, Log: b.log}
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe], r.Run)
}
