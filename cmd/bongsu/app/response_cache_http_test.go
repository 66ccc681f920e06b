package app

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// cachedReads are requests of cached methods in the formats of the edge.
var cachedReads = []struct {
	name, method, path, contentType, body string
}{
	{"REST list", "GET", "/v1/groups", "", ""},
	{"REST get", "GET", "/v1/groups/1", "", ""},
	{"REST members", "GET", "/v1/groups/1/users", "", ""},
	{"REST members by an ignored parameter", "GET", "/v1/groups/1/users?unknown=1", "", ""},
	{"REST users", "GET", "/v1/users", "", ""},
	{"REST page", "GET", "/v1/users?pageSize=2", "", ""},
	{"REST user", "GET", "/v1/users/user1", "", ""},
	{"REST messengers", "GET", "/v1/messengers", "", ""},
	{"REST templates", "GET", "/v1/templates", "", ""},
	{"Connect JSON", "POST", groupv1connect.GroupServiceListGroupsProcedure, "application/json", "{}"},
	{"Connect Protobuf", "POST", groupv1connect.GroupServiceListGroupsProcedure, "application/proto", ""},
	{"Connect GET", "GET", groupv1connect.GroupServiceListGroupsProcedure + "?connect=v1&encoding=json&message=" + url.QueryEscape("{}"), "", ""},
}

// TestResponsesFromCache checks that a response from the cache equals the one that was stored
// in every byte, in each format, with Age and ETag, and that a caller who has it gets 304.
func TestResponsesFromCache(t *testing.T) {
	config := Config{}
	config.Directory.DemoData = true
	cached := "http://" + runProcess(t, config).Addr(Edge)
	config.Edge.ResponseCache = "off"
	direct := "http://" + runProcess(t, config).Addr(Edge)
	for _, c := range cachedReads {
		t.Run(c.name, func(t *testing.T) {
			want := read(t, c.method, direct+c.path, c.contentType, c.body, nil)
			if etag := want.header.Get("ETag") + want.header.Get("Age"); want.status != http.StatusOK || etag != "" {
				t.Fatalf("without a cache: status %d, %q", want.status, etag)
			}
			read(t, c.method, cached+c.path, c.contentType, c.body, nil)
			var etag string
			for range 3 { // the first ones may fill the cache of a format
				got := read(t, c.method, cached+c.path, c.contentType, c.body, nil)
				if got.status != http.StatusOK || !bytes.Equal(got.body, want.body) {
					t.Errorf("from the cache: status %d, %s; want %s", got.status, got.body, want.body)
				}
				if got.header.Get("Age") == "" || got.header.Get("Cache-Control") != "private, no-cache" || got.header.Get("Content-Type") != want.header.Get("Content-Type") {
					t.Errorf("header from the cache is %v, without a cache %v", got.header, want.header)
				}
				if etag != "" && etag != got.header.Get("ETag") {
					t.Errorf("ETag was %s and is %s", etag, got.header.Get("ETag"))
				}
				etag = got.header.Get("ETag")
			}
			zipped := read(t, c.method, cached+c.path, c.contentType, c.body, http.Header{"Accept-Encoding": {"gzip"}})
			if !bytes.Equal(zipped.body, want.body) {
				t.Errorf("for a caller that accepts gzip: %s", zipped.body)
			}
			if c.method != http.MethodGet {
				return
			}
			for match, status := range map[string]int{
				etag: http.StatusNotModified, "*": http.StatusNotModified, `"x", ` + strings.TrimPrefix(etag, "W/"): http.StatusNotModified,
				`"x"`: http.StatusOK, "": http.StatusOK,
			} {
				got := read(t, c.method, cached+c.path, "", "", http.Header{"If-None-Match": {match}})
				if got.status != status || got.header.Get("ETag") != etag || status == http.StatusNotModified && len(got.body) > 0 {
					t.Errorf("If-None-Match %s: status %d, want %d: %v %s", match, got.status, status, got.header, got.body)
				}
			}
			if strings.HasPrefix(c.path, "/v1/") {
				head := read(t, http.MethodHead, cached+c.path, "", "", nil)
				if head.status != http.StatusOK || head.header.Get("ETag") != etag || len(head.body) > 0 {
					t.Errorf("HEAD: status %d, %v", head.status, head.header)
				}
			}
		})
	}
}

// TestCacheByGRPC checks a response from the cache by gRPC, and that a change that fails makes
// responses stale too.
func TestCacheByGRPC(t *testing.T) {
	server := "http://" + runProcess(t, Config{}).Addr(Edge)
	client := groupv1connect.NewGroupServiceClient(rpc.NewHTTPClient(), server, connect.WithGRPC())
	created, err := client.CreateGroup(t.Context(), &groupv1.CreateGroupRequest{GroupName: "team"})
	if err != nil {
		t.Fatal(err)
	}
	list := func() (age string) {
		ctx, call := connect.NewClientContext(t.Context())
		res, err := client.ListGroups(ctx, &groupv1.ListGroupsRequest{})
		if err != nil || !proto.Equal(res, &groupv1.ListGroupsResponse{Groups: []*groupv1.Group{created.GetGroup()}}) {
			t.Errorf("groups are %v, %v", res, err)
		}
		return call.ResponseHeader().Get("Age")
	}
	if ages := []string{list(), list(), list()}; ages[0] != "" || ages[1] == "" || ages[2] == "" {
		t.Errorf("ages are %q", ages)
	}
	if _, err := client.CreateGroup(t.Context(), &groupv1.CreateGroupRequest{GroupName: "team"}); connect.CodeOf(err) != connect.CodeAlreadyExists {
		t.Errorf("error is %v", err)
	}
	if age := list(); age != "" {
		t.Errorf("after a change that failed, the age is %q", age)
	}
	if age := list(); age == "" {
		t.Errorf("then no response is from the cache")
	}
}

// TestCacheMetrics checks the metrics of reads and changes.
func TestCacheMetrics(t *testing.T) {
	server := "http://" + runProcess(t, Config{}).Addr(Edge)
	read(t, http.MethodGet, server+"/v1/groups", "", "", nil)
	read(t, http.MethodGet, server+"/v1/groups", "", "", nil)
	read(t, http.MethodDelete, server+"/v1/groups/1", "", "", nil)
	metrics := string(read(t, http.MethodGet, server+"/metrics", "", "", nil).body)
	for _, want := range []string{
		`bongsu_edge_cache_calls_total{method="/bongsu.group.v1.GroupService/ListGroups",outcome="miss"} 1`,
		`bongsu_edge_cache_calls_total{method="/bongsu.group.v1.GroupService/ListGroups",outcome="hit"} 1`,
		`bongsu_edge_cache_invalidations_total{acknowledged="true",method="/bongsu.group.v1.GroupService/DeleteGroup"} 1`,
		"bongsu_edge_cache_entries 1", "bongsu_edge_cache_size_bytes ", "bongsu_edge_cache_peers 0", "bongsu_edge_cache_fresh 1",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no metric %s", want)
		}
	}
	if t.Failed() {
		t.Log(metrics)
	}
}

// BenchmarkListGroups measures GET /v1/groups over loopback, a list of 200 groups, with the
// response cache and without it.
func BenchmarkListGroups(b *testing.B) {
	for _, size := range []string{"64MiB", "off"} {
		b.Run(size, func(b *testing.B) {
			config := Config{}
			config.Edge.ResponseCache = size
			server := "http://" + runProcess(b, config).Addr(Edge)
			req := &userv1.ImportDirectoryRequest{}
			for i := range 200 {
				req.Groups = append(req.Groups, &userv1.TransferGroup{GroupName: fmt.Sprintf("team-%d", i)})
			}
			if _, err := userv1connect.NewTransferServiceClient(http.DefaultClient, server).ImportDirectory(b.Context(), req); err != nil {
				b.Fatal(err)
			}
			b.RunParallel(func(pb *testing.PB) {
				client := http.Client{Transport: &http.Transport{DisableCompression: true}}
				defer client.CloseIdleConnections()
				for pb.Next() {
					res, err := client.Get(server + "/v1/groups")
					if err != nil {
						b.Error(err)
						return
					}
					n, err := io.Copy(io.Discard, res.Body)
					if err := errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusOK || n < 5000 {
						b.Errorf("status %d with %d bytes: %v", res.StatusCode, n, err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
		})
	}
}

// TestCacheSize checks the setting.
func TestCacheSize(t *testing.T) {
	for value, want := range map[string]int64{
		"": 64 << 20, "off": 0, "1MiB": 1 << 20, "1024KiB": 1 << 20, "2GiB": 2 << 30,
		"0": -1, "64": -1, "64MB": -1, "-1MiB": -1, "+1MiB": -1, "1023KiB": -1, "9999999999999GiB": -1, "1.5GiB": -1, "MiB": -1, "1 MiB": -1,
	} {
		config := Config{Data: t.TempDir()}
		config.Edge.ResponseCache = value
		got, err := config.complete()
		if (err != nil) != (want < 0) || err == nil && got.cacheBytes != want {
			t.Errorf("%q is %d bytes, %v; want %d", value, got.cacheBytes, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "--response-cache") {
			t.Errorf("error %v names no flag", err)
		}
	}
}

// A rawResponse is a response with its body decompressed.
type rawResponse struct {
	status int
	header http.Header
	body   []byte
}

// read makes a request.
func read(t *testing.T, method, target, contentType, body string, header http.Header) rawResponse {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	client := http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var from io.Reader = res.Body
	if res.Header.Get("Content-Encoding") == "gzip" {
		if from, err = gzip.NewReader(res.Body); err != nil {
			t.Fatal(err)
		}
	}
	text, err := io.ReadAll(from)
	if err != nil {
		t.Errorf("%s %s: %v", method, target, err)
	}
	return rawResponse{res.StatusCode, res.Header, text}
}
