package access_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/access"
)

func TestCreateKey(t *testing.T) {
	h := handler(t)
	expire := timestamppb.New(now.Add(time.Hour))
	made, err := h.CreateKey(t.Context(), &accessv1.CreateKeyRequest{
		Name: "kim's phone", Role: "user", NickName: "Kim", ExpireTime: expire, AllowedAddresses: []string{"10.1.2.3/8", "::ffff:10.0.0.7", "2001:DB8::1"},
	})
	kittest.NoError(t, err)
	allowed := []string{"10.0.0.0/8", "10.0.0.7", "2001:db8::1"}
	want := &accessv1.CreateKeyResponse{
		Id: made.GetId(), Key: made.GetKey(), Name: "kim's phone", Role: "user", NickName: "Kim",
		CreateTime: timestamppb.New(now), ExpireTime: expire, AllowedAddresses: allowed,
	}
	if !proto.Equal(made, want) {
		t.Errorf("the response is %v, want %v", made, want)
	}

	// The key is found by its id, with the hash of its secret, and is listed without.
	id, secret, ok := auth.ParseKey(made.GetKey())
	if !ok || id != made.GetId() {
		t.Fatalf("the key has the id %q, want %q", id, made.GetId())
	}
	found, err := (&access.CredentialHandler{Store: h.Store}).FindKey(t.Context(), &accessv1.FindKeyRequest{Id: id})
	kittest.NoError(t, err)
	if !bytes.Equal(found.GetSecretHash(), auth.HashSecret(secret)) {
		t.Error("the hash is not that of the secret")
	}
	key := &accessv1.Key{Id: id, Name: "kim's phone", Role: "user", NickName: "Kim", CreateTime: timestamppb.New(now), ExpireTime: expire, AllowedAddresses: allowed}
	if !proto.Equal(found.GetKey(), key) {
		t.Errorf("the key is %v, want %v", found.GetKey(), key)
	}
	list, err := h.ListKeys(t.Context(), &accessv1.ListKeysRequest{})
	kittest.NoError(t, err)
	if len(list.GetKeys()) != 1 || !proto.Equal(list.GetKeys()[0], key) || strings.Contains(list.String(), secret) {
		t.Errorf("the list is %v", list)
	}
}

func TestCreateInvalidKey(t *testing.T) {
	h := handler(t)
	for name, row := range map[string]struct {
		req  *accessv1.CreateKeyRequest
		word string
	}{
		"user without nickname": {&accessv1.CreateKeyRequest{Name: "k", Role: "user"}, "nick_name: role user needs"},
		"invalid nickname":      {&accessv1.CreateKeyRequest{Name: "k", Role: "user", NickName: "@kim"}, "nick_name: "},
		"reserved nickname":     {&accessv1.CreateKeyRequest{Name: "k", Role: "user", NickName: "all"}, "nick_name: "},
		"invalid address":       {&accessv1.CreateKeyRequest{Name: "k", Role: "admin", AllowedAddresses: []string{"10.0.0.1", "node1"}}, `allowed_addresses[1]: invalid address "node1"`},
	} {
		_, err := h.CreateKey(t.Context(), row.req)
		t.Run(name, func(t *testing.T) { kittest.Error(t, err, fault.ErrInvalid, row.word) })
	}
	list, err := h.ListKeys(t.Context(), &accessv1.ListKeysRequest{})
	kittest.NoError(t, err)
	kittest.Equal(t, len(list.GetKeys()), 0)
}

func TestListKeyPages(t *testing.T) {
	h := handler(t)
	for range 5 {
		_, err := h.CreateKey(t.Context(), &accessv1.CreateKeyRequest{Name: "k", Role: "sender"})
		kittest.NoError(t, err)
	}
	var sizes []int
	var last string
	for token := "first"; token != ""; {
		res, err := h.ListKeys(t.Context(), &accessv1.ListKeysRequest{PageSize: 2, PageToken: strings.TrimPrefix(token, "first")})
		kittest.NoError(t, err)
		for _, k := range res.GetKeys() {
			if k.GetId() <= last {
				t.Errorf("key %s follows %s", k.GetId(), last)
			}
			last = k.GetId()
		}
		sizes = append(sizes, len(res.GetKeys()))
		token = res.GetNextPageToken()
	}
	kittest.Equal(t, sizes, []int{2, 2, 1})
}

func TestRevokeKey(t *testing.T) {
	h := handler(t)
	credentials := &access.CredentialHandler{Store: h.Store}
	made, err := h.CreateKey(t.Context(), &accessv1.CreateKeyRequest{Name: "k", Role: "sender"})
	kittest.NoError(t, err)
	used := timestamppb.New(now.Add(time.Second))
	_, err = credentials.RecordKeyUses(t.Context(), &accessv1.RecordKeyUsesRequest{Uses: []*accessv1.KeyUse{{Id: made.GetId(), Time: used}, {Id: "nobody", Time: used}}})
	kittest.NoError(t, err)
	for range 2 {
		_, err = h.RevokeKey(t.Context(), &accessv1.RevokeKeyRequest{Id: made.GetId()})
		kittest.NoError(t, err)
	}
	found, err := credentials.FindKey(t.Context(), &accessv1.FindKeyRequest{Id: made.GetId()})
	kittest.NoError(t, err)
	kittest.Equal(t, found.GetKey().GetRevokeTime().AsTime(), now)
	kittest.Equal(t, found.GetKey().GetLastUseTime().AsTime(), used.AsTime())

	_, err = h.RevokeKey(t.Context(), &accessv1.RevokeKeyRequest{Id: "nobody"})
	kittest.Error(t, err, fault.ErrNotFound, `key "nobody" not found`)
	_, err = credentials.FindKey(t.Context(), &accessv1.FindKeyRequest{Id: "nobody"})
	kittest.Error(t, err, fault.ErrNotFound)
}
