package main

import (
	"fmt"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/bongsu-project/bongsu/internal/role"
)

// The names of the security schemes.
const (
	bearerScheme = "bearer"
	basicScheme  = "basic"
)

// newSecuritySchemes returns the ways in which callers send their credentials.
func newSecuritySchemes() openapi3.SecuritySchemes {
	bearer := openapi3.NewSecurityScheme().WithType("http").WithScheme("bearer").
		WithDescription("An API key, bgs_<id>_<secret>, or a token of the configured OIDC issuer. Not needed where the edge runs with --auth=off.")
	basic := openapi3.NewSecurityScheme().WithType("http").WithScheme("basic").
		WithDescription("An API key as the password, for callers that send nothing else, such as a URL with userinfo.")
	return openapi3.SecuritySchemes{
		bearerScheme: &openapi3.SecuritySchemeRef{Value: bearer},
		basicScheme:  &openapi3.SecuritySchemeRef{Value: basic},
	}
}

// shapeSecurity sets what the caller of o needs. The permission is the role of each scheme, as
// OpenAPI 3.1 names it; the description repeats it for people.
func shapeSecurity(o operation) {
	requirements := openapi3.NewSecurityRequirements()
	p := o.method.policy
	text := "The request needs no credentials: the service verifies its signature."
	if needsCaller(o) {
		requirements.With(openapi3.NewSecurityRequirement().Authenticate(bearerScheme, p.Permission)).
			With(openapi3.NewSecurityRequirement().Authenticate(basicScheme, p.Permission))
		text = fmt.Sprintf("Permission: %#q (%s).", p.Permission, roleNames(p.Permission))
		if p.OwnerField != "" {
			text = fmt.Sprintf("Permission: %#q (%s, and the user of this %s).", p.Permission, roleNames(p.Permission), p.OwnerField)
		}
	}
	o.Security = requirements
	o.Description = strings.TrimSpace(o.Description + "\n\n" + text)
}

// roleNames returns the roles with a permission.
func roleNames(permission string) string {
	var names []string
	for _, r := range role.Permitted(permission) {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}
