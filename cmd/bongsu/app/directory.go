package app

import (
	"context"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/gen/go/userinfo/packaged/packagedconnect"
	"github.com/bongsu-project/bongsu/gen/go/userinfo/userinfoconnect"
	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/directory"
	directorystore "github.com/bongsu-project/bongsu/services/directory/store"
)

// runDirectory runs the directory service in this process.
func (b *builder) runDirectory(ctx context.Context) error {
	store, err := directorystore.Open(ctx, b.config.Directory.DatabaseURL)
	if err != nil {
		return err
	}
	b.closeLater("the directory", store.Close)
	if err := b.createKeyFile(ctx, store); err != nil {
		return err
	}
	key, err := b.openKeyring()
	if err != nil {
		return err
	}
	if b.config.Directory.DemoData {
		if err := b.fillDemo(ctx, store, key); err != nil {
			return err
		}
	}
	if err := directory.CheckSealKey(ctx, store, key, b.log); err != nil {
		return err
	}
	if err := directory.CanonicalizeNames(ctx, store, key, b.log); err != nil {
		return err
	}
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe], func(ctx context.Context) error {
		if err := directory.FillFingerprints(ctx, store, key, b.log); err != nil && ctx.Err() == nil {
			b.log.Warn("storing credential fingerprints failed; retrying at the next start", "error", err)
		}
		directory.RunReseal(ctx, store, key, b.log)
		return nil
	})
	groups := &directory.GroupHandler{Groups: store}
	users := &directory.UserHandler{Users: store, Key: key, Specs: b.specs, AllowHTTP: b.config.Providers.AllowHTTP, Messengers: b.openMessengers(), Now: b.config.Now}
	lookup := &directory.LookupHandler{Finder: store, Sealing: store, Key: key, ReceiptReader: directory.ReceiptReader{Key: key, Messengers: b.openMessengers()}}
	transfers := &directory.TransferHandler{Snapshots: store, Users: users}
	b.groups, b.users, b.directory, b.transfers = groups, users, lookup, transfers
	b.lookup = localDirectory{lookup}
	b.ready = append(b.ready, store.Ping)
	return b.listen(ctx, stageServe, Directory, rpc.Listener{
		Services: []rpc.Service{
			rpc.Public(b.rpc, groupv1connect.NewGroupServiceHandler, groupv1connect.GroupServiceHandler(groups)),
			rpc.Public(b.rpc, userv1connect.NewUserServiceHandler, userv1connect.UserServiceHandler(users)),
			rpc.Bulk(b.rpc, userv1connect.NewTransferServiceHandler, userv1connect.TransferServiceHandler(transfers)),
			rpc.Internal(b.rpc, userv1connect.NewDirectoryServiceHandler, userv1connect.DirectoryServiceHandler(lookup)),
			rpc.Internal(b.rpc, userinfoconnect.NewUserInfoHandler, userinfoconnect.UserInfoHandler(lookup)),
			rpc.Internal(b.rpc, packagedconnect.NewUserInfoHandler, packagedconnect.UserInfoHandler(lookup)),
		},
		Ready: store.Ping,
	})
}

// connectDirectory connects to a directory service in another process.
func (b *builder) connectDirectory() {
	b.groups = groupv1connect.NewGroupServiceClient(b.client, balance.BaseURL, b.clientOptions(Directory))
	b.users = userv1connect.NewUserServiceClient(b.client, balance.BaseURL, b.clientOptions(Directory))
	b.directory = userv1connect.NewDirectoryServiceClient(b.client, balance.BaseURL, b.clientOptions(Directory))
	b.lookup = alert.DirectoryClient{Service: b.directory}
	b.transfers = userv1connect.NewTransferServiceClient(b.client, balance.BaseURL, b.clientOptions(Directory))
	if b.config.has(Edge) || b.config.has(Alert) && b.config.Alert.UserInfoURL == "" {
		b.ready = append(b.ready, b.readinessOf(Directory, userv1connect.UserServiceName))
	}
}

// connectRemoteDirectory resolves targets in the remote directory of --userinfo-url, if it is
// set.
func (b *builder) connectRemoteDirectory() error {
	url := b.config.Alert.UserInfoURL
	if url == "" {
		return nil
	}
	key, err := b.openKeyring()
	if err != nil {
		return err
	}
	client, err := b.userInfoClient()
	if err != nil {
		return err
	}
	remote := directory.NewRemoteDirectory(directory.NewUserInfoClient(client, url, b.log, b.clientOptions("UserInfo")), key, directory.ReceiptReader{Key: key, Messengers: b.openMessengers()}, b.log)
	b.directory, b.lookup = remote, localDirectory{remote}
	return nil
}

// fillDemo stores the demonstration data in an empty directory.
func (b *builder) fillDemo(ctx context.Context, store *directorystore.Store, key *seal.Keyring) error {
	snapshot, err := directory.DemoData(key)
	if err != nil {
		return err
	}
	filled, err := store.Fill(ctx, snapshot)
	if err == nil && !filled {
		b.log.Info("directory not empty: demonstration data left out")
	}
	return err
}
