package main

import (
	"fmt"
	"strconv"

	"github.com/bongsu-project/bongsu/bench/fake"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
)

// people is the default number of users. All are in one workspace of Slack, each with a
// channel.
const people = 1000

// widths are the sizes of groups: each user is in one of each size.
var widths = []int{5, 100}

func user(n int) string         { return "user" + strconv.Itoa(n) }
func group(width, n int) string { return fmt.Sprintf("of%d-%d", width, n) }

// toEach returns an audience of single users, or of whole groups, one after the other.
// Channels within a group are distinct modulo its size.
func toEach(width int) audience {
	if width == 1 {
		return audience{1, func(n int) string { return "@" + user(n%people) }}
	}
	return audience{width, func(n int) string { return "@@" + group(width, n%(people/width)) }}
}

// settle imports count users, and groups of all sizes.
func (s *scene) settle(at endpoint, count int, sizes ...int) {
	req := &userv1.ImportDirectoryRequest{}
	for n := range count {
		req.Users = append(req.Users, &userv1.TransferUser{NickName: user(n), Addresses: []*userv1.TransferAddress{
			{Messenger: "slack", Credential: bearer[len("Bearer "):], Destination: fake.Channel(n)},
		}})
	}
	for _, width := range sizes {
		for n := range count / width {
			g := &userv1.TransferGroup{GroupName: group(width, n)}
			for member := range width {
				g.Members = append(g.Members, user(n*width+member))
			}
			req.Groups = append(req.Groups, g)
		}
	}
	_, err := userv1connect.NewTransferServiceClient(newHTTPClient(1), at.url, at.options()).ImportDirectory(s.ctx, req)
	s.must(err)
}
