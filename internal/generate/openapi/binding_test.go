package main

import (
	"net/http"

	"google.golang.org/genproto/googleapis/api/annotations"
)

// A binding is one REST path of a method.
type binding struct {
	HTTPMethod string // such as GET
	Path       string // such as /v1/groups/{id}
}

// bindings returns the REST paths of a rule, including the additional ones.
func bindings(rule *annotations.HttpRule) []binding {
	all := []binding{bindingOf(rule)}
	for _, more := range rule.GetAdditionalBindings() {
		all = append(all, bindingOf(more))
	}
	return all
}

func bindingOf(rule *annotations.HttpRule) binding {
	switch pattern := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return binding{http.MethodGet, pattern.Get}
	case *annotations.HttpRule_Put:
		return binding{http.MethodPut, pattern.Put}
	case *annotations.HttpRule_Post:
		return binding{http.MethodPost, pattern.Post}
	case *annotations.HttpRule_Delete:
		return binding{http.MethodDelete, pattern.Delete}
	case *annotations.HttpRule_Patch:
		return binding{http.MethodPatch, pattern.Patch}
	default:
		return binding{rule.GetCustom().GetKind(), rule.GetCustom().GetPath()}
	}
}
