package directory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/internal/quiethours"
	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/seal"
)

var _ userv1connect.TransferServiceHandler = (*TransferHandler)(nil)

// maxTransfer is the maximum number of users, and of groups, in one import.
const maxTransfer = 100_000

// A TransferHandler implements TransferService. Users validates imported addresses.
type TransferHandler struct {
	Snapshots SnapshotStore
	Users     *UserHandler
}

// ExportDirectory returns a snapshot of the directory.
func (h *TransferHandler) ExportDirectory(ctx context.Context, req *userv1.ExportDirectoryRequest) (*userv1.ExportDirectoryResponse, error) {
	all, err := h.Snapshots.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	res := &userv1.ExportDirectoryResponse{
		Users:  make([]*userv1.TransferUser, 0, len(all.Users)),
		Groups: make([]*userv1.TransferGroup, 0, len(all.Groups)),
	}
	slices.SortFunc(all.Users, func(a, b User) int { return cmp.Compare(a.Nickname, b.Nickname) })
	for _, u := range all.Users {
		out := &userv1.TransferUser{NickName: u.Nickname, Failover: new(u.Failover), QuietHours: quiethours.ToWire(u.QuietHours)}
		slices.SortFunc(u.Addresses, func(a, b Address) int { return cmp.Compare(a.Messenger, b.Messenger) })
		for _, a := range u.Addresses {
			wire := transferToWire(a)
			if req.GetWithSecrets() {
				if wire.SealedCredential, err = h.sealForExport(u.Nickname, a); err != nil {
					return nil, err
				}
			}
			out.Addresses = append(out.Addresses, wire)
		}
		res.Users = append(res.Users, out)
	}
	slices.SortFunc(all.Groups, func(a, b Membership) int { return cmp.Compare(a.Group, b.Group) })
	for _, g := range all.Groups {
		slices.Sort(g.Members)
		res.Groups = append(res.Groups, &userv1.TransferGroup{GroupName: g.Group, Members: g.Members})
	}
	return res, nil
}

// sealForExport reseals a credential for export: it opens for its own address only.
func (h *TransferHandler) sealForExport(nickname string, a Address) ([]byte, error) {
	credential, err := h.Users.Key.OpenForOwner(a.SealedCredential, Recipient{Nickname: nickname, Address: a}.owner())
	if err != nil {
		err := fault.Unavailablef("credential of user %q by %s cannot be opened, replace it or export without secrets", nickname, a.Messenger)
		return nil, fault.WithReason(err, "CREDENTIAL_UNREADABLE")
	}
	return h.Users.Key.Seal(credential, seal.ExportPurpose(nickname, a.Messenger, a.Destination))
}

// ImportDirectory makes the directory hold the users and groups of a request.
func (h *TransferHandler) ImportDirectory(ctx context.Context, req *userv1.ImportDirectoryRequest) (*userv1.ImportDirectoryResponse, error) {
	if len(req.GetUsers()) > maxTransfer || len(req.GetGroups()) > maxTransfer {
		err := fault.Invalidf("users and groups: must have at most %d items each", maxTransfer)
		most := fmt.Sprintf("must have at most %d items", maxTransfer)
		return nil, fault.WithFields(err, []fault.Field{{Path: "users", Problem: most}, {Path: "groups", Problem: most}})
	}
	var problems importProblems
	file := ImportFile{Prune: req.GetPrune()}
	for i, u := range req.GetUsers() {
		file.Users = append(file.Users, importUser(i, u, &problems))
		if problems.enough() {
			return nil, problems.err()
		}
	}
	for i, g := range req.GetGroups() {
		file.Groups = append(file.Groups, importGroup(i, g, &problems))
		if problems.enough() {
			return nil, problems.err()
		}
	}
	planner := ImportPlanner{Key: h.Users.Key, Specs: h.Users.Specs, AllowHTTP: h.Users.AllowHTTP, Accept: h.accept}
	if req.GetDryRun() {
		all, err := h.Snapshots.Snapshot(ctx)
		if err != nil {
			return nil, err
		}
		_, done, err := planner.Plan(all, file, problems)
		if err != nil {
			return nil, err
		}
		return importToWire(done), nil
	}
	var done ImportResult
	err := h.Snapshots.Apply(ctx, func(have Snapshot) (changes Changes, err error) {
		changes, done, err = planner.Plan(have, file, problems)
		return changes, err
	})
	if err != nil {
		return nil, err
	}
	return importToWire(done), nil
}

func (h *TransferHandler) accept(of seal.Owner, credential string) (Address, error) {
	return h.Users.accept(of.Name, &userv1.NewAddress{Messenger: of.Service, Credential: credential, Destination: of.Address})
}

// importUser converts a user, and records the violations of the schema as problems.
func importUser(i int, u *userv1.TransferUser, problems *importProblems) ImportUser {
	out := ImportUser{
		Place:             FilePosition{Line: int(u.GetLine()), List: "users", Index: i, Name: u.GetNickName()},
		Nickname:          target.CanonicalName(u.GetNickName()),
		NicknameAsWritten: u.GetNickName(),
		Failover:          u.Failover,
	}
	for n, a := range u.GetAddresses() {
		at := out.Place
		at.Line = cmp.Or(int(a.GetLine()), at.Line)
		at.Address, at.Messenger = n+1, a.GetMessenger()
		out.Addresses = append(out.Addresses, ImportAddress{
			Place:      at,
			Address:    addressFromTransfer(a),
			Credential: a.GetCredential(),
			Sealed:     a.GetSealedCredential(),
		})
	}
	for _, v := range violationsOf(u) {
		out.Bad = true
		path, position := v.Proto.GetField().GetElements(), out.Place
		if path[0].GetFieldName() == "addresses" && path[0].HasIndex() && len(path) > 1 {
			position = out.Addresses[path[0].GetIndex()].Place
			path = path[1:]
		}
		problems.addf(position, "%s: %s", path[0].GetFieldName(), v.Proto.GetMessage())
	}
	if !out.Bad && u.QuietHours != nil {
		hours, err := quietHoursFromWire(u.QuietHours)
		if err != nil {
			out.Bad = true
			problems.add(out.Place, err)
		}
		out.QuietHours = &hours
	}
	return out
}

// importGroup converts a group, and records the violations of the schema as problems.
func importGroup(i int, g *userv1.TransferGroup, problems *importProblems) ImportGroup {
	out := ImportGroup{
		Place:   FilePosition{Line: int(g.GetLine()), List: "groups", Index: i, Name: g.GetGroupName()},
		Name:    target.CanonicalName(g.GetGroupName()),
		Members: make([]string, len(g.GetMembers())),
	}
	for n, m := range g.GetMembers() {
		out.Members[n] = target.CanonicalName(m)
	}
	for _, v := range violationsOf(g) {
		out.Bad = true
		problems.addf(out.Place, "%s: %s", v.Proto.GetField().GetElements()[0].GetFieldName(), v.Proto.GetMessage())
	}
	return out
}

// maxMembersChecked is the number of members above which only the first violation of a group
// is reported: to collect all takes memory for each.
const maxMembersChecked = 1000

// violationsOf returns the rules of the schema that a message violates. All rules are on
// fields, so each violation has a path.
func violationsOf(m proto.Message) []*protovalidate.Violation {
	var options []protovalidate.ValidationOption
	if g, ok := m.(*userv1.TransferGroup); ok && len(g.GetMembers()) > maxMembersChecked {
		options = append(options, protovalidate.WithFailFast())
	}
	if invalid, ok := errors.AsType[*protovalidate.ValidationError](protovalidate.Validate(m, options...)); ok {
		return invalid.Violations
	}
	return nil
}
