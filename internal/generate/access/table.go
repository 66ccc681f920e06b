package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bongsu-project/bongsu/internal/role"
	"github.com/bongsu-project/bongsu/kit/policy"
)

// The lines around the table in the page.
const (
	tableStart = "<!-- The table of methods is written by make generate. -->\n"
	tableEnd   = "<!-- The end of the table of methods. -->\n"
)

// withTable returns a page with another table between its marks.
func withTable(page, table string) (string, error) {
	before, rest, ok := strings.Cut(page, tableStart)
	_, after, closed := strings.Cut(rest, tableEnd)
	if !ok || !closed {
		return "", errors.New("the marks of the table are missing")
	}
	return before + tableStart + "\n" + table + "\n" + tableEnd + after, nil
}

// tableOf returns the table of the public services in Markdown.
func tableOf(services []protoreflect.ServiceDescriptor) (string, error) {
	var table strings.Builder
	table.WriteString("| RPC | REST | permission | roles | timeout | cache | audit log |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, service := range services {
		for i := range service.Methods().Len() {
			m := service.Methods().Get(i)
			p, err := policy.Of(m)
			if err != nil {
				return "", err
			}
			if p.Internal {
				continue
			}
			fmt.Fprintf(&table, "| %s.%s | %s | %s | %s | %s | %s | %s |\n",
				service.Name(), m.Name(), restOf(m), permissionOf(p), rolesOf(p), timeoutOf(p, m), cacheOf(p), auditOf(p))
		}
	}
	return table.String(), nil
}

// restOf returns the REST paths of a method.
func restOf(m protoreflect.MethodDescriptor) string {
	rule, _ := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
	var paths []string
	for _, r := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
		for _, c := range []struct{ verb, path string }{
			{http.MethodGet, r.GetGet()}, {http.MethodPost, r.GetPost()}, {http.MethodPut, r.GetPut()},
			{http.MethodPatch, r.GetPatch()}, {http.MethodDelete, r.GetDelete()},
		} {
			if c.path != "" {
				paths = append(paths, "`"+c.verb+" "+c.path+"`")
			}
		}
	}
	return strings.Join(paths, ", ")
}

func permissionOf(p policy.Policy) string {
	switch p.Verifier {
	case policy.ProviderSignature:
		return "signature of the provider"
	case policy.Credential:
		return "credential in the request"
	}
	return p.Permission
}

func rolesOf(p policy.Policy) string {
	if p.Verifier != policy.NoVerifier {
		return "nobody needs one"
	}
	var names []string
	for _, r := range role.Permitted(p.Permission) {
		names = append(names, string(r))
	}
	if p.OwnerField != "" {
		names = append(names, fmt.Sprintf("the user of %#q", p.OwnerField))
	}
	return strings.Join(names, ", ")
}

func timeoutOf(p policy.Policy, m protoreflect.MethodDescriptor) string {
	switch {
	case p.Timeout > 0:
		return duration(p.Timeout)
	case m.IsStreamingServer() || m.IsStreamingClient():
		return "none"
	}
	return "default"
}

func cacheOf(p policy.Policy) string {
	switch {
	case p.Cache == nil && len(p.Invalidates) > 0:
		return "invalidates " + strings.Join(p.Invalidates, ", ")
	case p.Cache == nil:
		return ""
	}
	scope := "per caller"
	if p.Cache.Shared {
		scope = "shared"
	}
	return fmt.Sprintf("%s, %s: %s", duration(p.Cache.TTL), scope, strings.Join(p.Cache.Tags, ", "))
}

func auditOf(p policy.Policy) string {
	switch p.Audit {
	case policy.AuditSync:
		return fmt.Sprintf("%#q", p.Resource)
	case policy.AuditBatched:
		return fmt.Sprintf("%#q, batched", p.Resource)
	}
	return ""
}

// duration returns a duration as documents write it, such as "60 s" and "5 min".
func duration(d time.Duration) string {
	if d >= 2*time.Minute && d%time.Minute == 0 {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%g s", d.Seconds())
}
