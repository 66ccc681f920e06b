package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"connectrpc.com/connect"

	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
)

const (
	directoryInterval = time.Second // between two looks for changes, besides those of this process
	directoryBatch    = 100         // changes at a time
)

// A Directory brings approved accounts into the directory of Bongsu, so that it can notify them: users
// with their addresses, and groups. A change is made again until it has succeeded.
type Directory struct {
	Users  userv1connect.UserServiceClient
	Groups groupv1connect.GroupServiceClient
	SMS    string // the credential of the messenger twilio
	Mail   string // the credential of the messenger email
	Log    *slog.Logger
}

// run brings changes of a store into the directory until ctx ends.
func (d Directory) run(ctx context.Context, store *Store) error {
	tick := time.NewTicker(directoryInterval)
	defer tick.Stop()
	for {
		if err := d.sync(ctx, store); err != nil && ctx.Err() == nil {
			d.Log.WarnContext(ctx, "directory is behind; trying again", "error", err)
		}
		select {
		case <-tick.C:
		case <-store.changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// sync brings changes of a store into the directory. One that fails does not keep back the others.
func (d Directory) sync(ctx context.Context, store *Store) error {
	changes, err := store.Changes(ctx, directoryBatch)
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range changes {
		if err := d.set(ctx, c.Account); err != nil {
			errs = append(errs, fmt.Errorf("account %s: %w", c.ID, err))
			continue
		}
		if err := store.Synced(ctx, c); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

// set sets the addresses and the groups of an account.
func (d Directory) set(ctx context.Context, a Account) error {
	_, err := d.Users.CreateUser(ctx, &userv1.CreateUserRequest{NickName: a.ID})
	if err != nil && connect.CodeOf(err) != connect.CodeAlreadyExists {
		return err
	}
	got, err := d.Users.GetUser(ctx, &userv1.GetUserRequest{NickName: a.ID})
	if err != nil {
		return err
	}
	wanted := d.addresses(a)
	for _, has := range got.GetUser().GetAddresses() {
		if err := d.setAddress(ctx, a.ID, has, wanted); err != nil {
			return err
		}
	}
	for _, address := range wanted {
		if _, err := d.Users.AddUserAddress(ctx, &userv1.AddUserAddressRequest{NickName: a.ID, Address: address}); err != nil {
			return err
		}
	}
	return d.join(ctx, a.ID, a.Groups())
}

// addresses returns the addresses of an account by messenger.
func (d Directory) addresses(a Account) map[string]*userv1.NewAddress {
	wanted := map[string]*userv1.NewAddress{"inbox": {Messenger: "inbox"}}
	if a.Phone != "" {
		wanted["twilio"] = &userv1.NewAddress{Messenger: "twilio", Credential: d.SMS, Destination: "+82" + strings.TrimPrefix(a.Phone, "0")}
	}
	if a.Email != "" {
		wanted["email"] = &userv1.NewAddress{Messenger: "email", Credential: d.Mail, Destination: a.Email}
	}
	return wanted
}

// setAddress makes an address that a user has the wanted one, which it takes from wanted, or removes it.
func (d Directory) setAddress(ctx context.Context, user string, has *userv1.Address, wanted map[string]*userv1.NewAddress) error {
	want, ok := wanted[has.GetMessenger()]
	if !ok {
		_, err := d.Users.RemoveUserAddress(ctx, &userv1.RemoveUserAddressRequest{NickName: user, Id: has.GetId()})
		return err
	}
	delete(wanted, has.GetMessenger())
	if has.GetDestination() == want.GetDestination() {
		return nil
	}
	_, err := d.Users.ReplaceUserAddress(ctx, &userv1.ReplaceUserAddressRequest{NickName: user, Id: has.GetId(), Address: want})
	return err
}

// join makes a user a member of groups, which are created if they are missing. Nobody leaves a group:
// a class is kept until the accounts of a year are deleted.
func (d Directory) join(ctx context.Context, user string, groups []string) error {
	for _, name := range groups {
		_, err := d.Groups.CreateGroup(ctx, &groupv1.CreateGroupRequest{GroupName: name})
		if err != nil && connect.CodeOf(err) != connect.CodeAlreadyExists {
			return err
		}
		list, err := d.Groups.ListGroups(ctx, &groupv1.ListGroupsRequest{GroupName: name})
		if err != nil {
			return err
		}
		for _, g := range list.GetGroups() {
			_, err := d.Groups.AddGroupUser(ctx, &groupv1.AddGroupUserRequest{Id: g.GetId(), NickName: user})
			if err != nil && connect.CodeOf(err) != connect.CodeAlreadyExists {
				return err
			}
		}
	}
	return nil
}
