package directory

import (
	"context"

	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/internal/target"
)

var _ groupv1connect.GroupServiceHandler = (*GroupHandler)(nil)

// A GroupHandler implements GroupService.
type GroupHandler struct{ Groups Groups }

// ListGroups returns a page of groups by id.
func (h *GroupHandler) ListGroups(ctx context.Context, req *groupv1.ListGroupsRequest) (*groupv1.ListGroupsResponse, error) {
	after, err := readPageToken(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	limit := int(req.GetPageSize())
	groups, err := h.Groups.Groups(ctx, after, limitForNext(limit), target.CanonicalName(req.GetGroupName()))
	if err != nil {
		return nil, err
	}
	res := &groupv1.ListGroupsResponse{Groups: make([]*groupv1.Group, 0, len(groups))}
	if limit > 0 && len(groups) > limit {
		groups = groups[:limit]
		res.NextPageToken = pageToken(groups[limit-1].ID)
	}
	for _, g := range groups {
		res.Groups = append(res.Groups, groupToWire(g))
	}
	return res, nil
}

// GetGroup returns one group.
func (h *GroupHandler) GetGroup(ctx context.Context, req *groupv1.GetGroupRequest) (*groupv1.GetGroupResponse, error) {
	g, err := h.Groups.Group(ctx, int(req.GetId()))
	if err != nil {
		return nil, err
	}
	return &groupv1.GetGroupResponse{Group: groupToWire(g)}, nil
}

// CreateGroup creates a group without members.
func (h *GroupHandler) CreateGroup(ctx context.Context, req *groupv1.CreateGroupRequest) (*groupv1.CreateGroupResponse, error) {
	name, err := newGroupName(req.GetGroupName())
	if err != nil {
		return nil, err
	}
	g, err := h.Groups.AddGroup(ctx, name)
	if err != nil {
		return nil, err
	}
	return &groupv1.CreateGroupResponse{Group: groupToWire(g)}, nil
}

// RenameGroup renames a group.
func (h *GroupHandler) RenameGroup(ctx context.Context, req *groupv1.RenameGroupRequest) (*groupv1.RenameGroupResponse, error) {
	name, err := newGroupName(req.GetGroupName())
	if err != nil {
		return nil, err
	}
	g, err := h.Groups.RenameGroup(ctx, int(req.GetId()), name)
	if err != nil {
		return nil, err
	}
	return &groupv1.RenameGroupResponse{Group: groupToWire(g)}, nil
}

// DeleteGroup deletes a group and its memberships.
func (h *GroupHandler) DeleteGroup(ctx context.Context, req *groupv1.DeleteGroupRequest) (*groupv1.DeleteGroupResponse, error) {
	if err := h.Groups.DeleteGroup(ctx, int(req.GetId())); err != nil {
		return nil, err
	}
	return &groupv1.DeleteGroupResponse{}, nil
}

// ListGroupUsers returns a group and its members.
func (h *GroupHandler) ListGroupUsers(ctx context.Context, req *groupv1.ListGroupUsersRequest) (*groupv1.ListGroupUsersResponse, error) {
	group, err := h.members(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	return &groupv1.ListGroupUsersResponse{Group: group}, nil
}

// AddGroupUser adds a user to a group, and returns the group with its members.
func (h *GroupHandler) AddGroupUser(ctx context.Context, req *groupv1.AddGroupUserRequest) (*groupv1.AddGroupUserResponse, error) {
	if err := h.Groups.AddMember(ctx, int(req.GetId()), canonicalNickname(req)); err != nil {
		return nil, err
	}
	group, err := h.members(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	return &groupv1.AddGroupUserResponse{Group: group}, nil
}

// RemoveGroupUser removes a user from a group.
func (h *GroupHandler) RemoveGroupUser(ctx context.Context, req *groupv1.RemoveGroupUserRequest) (*groupv1.RemoveGroupUserResponse, error) {
	if err := h.Groups.RemoveMember(ctx, int(req.GetId()), canonicalNickname(req)); err != nil {
		return nil, err
	}
	return &groupv1.RemoveGroupUserResponse{}, nil
}

func (h *GroupHandler) members(ctx context.Context, id int32) (*groupv1.GroupUsers, error) {
	g, users, err := h.Groups.Members(ctx, int(id))
	if err != nil {
		return nil, err
	}
	return groupUsersToWire(g, users), nil
}
