package app

import (
	"context"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/gen/go/userinfo/userinfoconnect"
	"github.com/bongsu-project/bongsu/internal/rpc"
	"github.com/bongsu-project/bongsu/internal/seal"
	"github.com/bongsu-project/bongsu/internal/store/directory"
	"github.com/bongsu-project/bongsu/services/group"
)

// groupHere runs the group service in this process.
func (b *builder) groupHere(ctx context.Context) error {
	key, err := b.sealKey()
	if err != nil {
		return err
	}
	store, err := directory.Open(ctx, b.config.DirectoryURL)
	if err != nil {
		return err
	}
	b.onClose("the directory", store.Close)
	if b.config.DemoData {
		if err := b.fillDemo(ctx, store, key); err != nil {
			return err
		}
	}
	if err := group.CheckSeal(ctx, store, key, b.log); err != nil {
		return err
	}
	b.stages[accept] = append(b.stages[accept], func(ctx context.Context) error {
		if err := group.FillKeys(ctx, store, key, b.log); err != nil && ctx.Err() == nil {
			b.log.Warn("addresses could not be given the fingerprints of their credentials; the next start tries again", "error", err)
		}
		group.KeepSealed(ctx, store, key, b.log)
		return nil
	})
	groups := &group.Handler{Groups: store}
	users := &group.UserHandler{Users: store, Key: key, Specs: b.specs, HTTP: b.config.AllowHTTP, Messengers: b.messengersHere(), Now: b.config.Now}
	lookup := &group.LookupHandler{Finder: store, Sealing: store, Key: key, Receipts: group.Receipts{Key: key, Messengers: b.messengersHere()}}
	transfers := &group.TransferHandler{Whole: store, Users: users}
	b.groups, b.users, b.directory, b.transfers = groups, users, lookup, transfers
	b.ready = append(b.ready, store.Ping)
	return b.listen(ctx, accept, Group, rpc.Face{
		Services: []rpc.Service{
			rpc.Public(b.rpc, groupv1connect.NewGroupServiceHandler, groupv1connect.GroupServiceHandler(groups)),
			rpc.Public(b.rpc, userv1connect.NewUserServiceHandler, userv1connect.UserServiceHandler(users)),
			rpc.Bulk(b.rpc, userv1connect.NewTransferServiceHandler, userv1connect.TransferServiceHandler(transfers)),
			rpc.Internal(b.rpc, userv1connect.NewDirectoryServiceHandler, userv1connect.DirectoryServiceHandler(lookup)),
			rpc.Internal(b.rpc, userinfoconnect.NewUserInfoHandler, userinfoconnect.UserInfoHandler(lookup)),
		},
		Ready: store.Ping,
	})
}

// groupThere asks a group service elsewhere.
func (b *builder) groupThere() {
	url := b.config.GroupURL
	b.groups = groupv1connect.NewGroupServiceClient(b.client, url, rpc.ClientOptions())
	b.users = userv1connect.NewUserServiceClient(b.client, url, rpc.ClientOptions())
	b.directory = userv1connect.NewDirectoryServiceClient(b.client, url, rpc.ClientOptions())
	b.transfers = userv1connect.NewTransferServiceClient(b.client, url, rpc.ClientOptions())
	if url != "" {
		b.ready = append(b.ready, b.answers(Group, url))
	}
}

// peopleElsewhere lets the alert service ask another system who is meant, where
// --userinfo-url names one.
func (b *builder) peopleElsewhere() error {
	url := b.config.UserInfoURL
	if url == "" {
		return nil
	}
	key, err := b.sealKey()
	if err != nil {
		return err
	}
	b.directory = group.NewElsewhere(userinfoconnect.NewUserInfoClient(b.client, url, rpc.ClientOptions()), key, group.Receipts{Key: key, Messengers: b.messengersHere()}, b.log)
	return nil
}

// fillDemo fills an empty directory, and says so where it was not empty.
func (b *builder) fillDemo(ctx context.Context, store *directory.Store, key *seal.Key) error {
	contents, err := group.Demo(key)
	if err != nil {
		return err
	}
	filled, err := store.Fill(ctx, contents)
	if err == nil && !filled {
		b.log.Info("the directory holds people already; the demonstration data was left out")
	}
	return err
}
