package cli

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// envPrefix is the prefix of environment variables that set flags.
const envPrefix = "BONGSU_"

// aliasVariables adds the environment variables of the aliases of flags, which are older
// names. That of the flag takes precedence.
func aliasVariables() kong.Option {
	return kong.PostBuild(func(k *kong.Kong) error {
		for _, leaf := range k.Model.Leaves(false) {
			for _, flag := range leaf.Flags {
				for _, alias := range flag.Aliases {
					name := envPrefix + strings.ToUpper(strings.ReplaceAll(alias, "-", "_"))
					flag.Envs = append(flag.Envs, name)
					flag.Tag.Envs = append(flag.Tag.Envs, name)
				}
			}
		}
		return nil
	})
}

// helpOf returns the help of a flag with its environment variable. Those of aliases are
// left out, as the aliases are.
func helpOf(value *kong.Value) string {
	shown, tag := *value, *value.Tag
	if len(tag.Envs) > 1 {
		tag.Envs = tag.Envs[:1]
	}
	shown.Tag = &tag
	return kong.DefaultHelpValueFormatter(&shown)
}

// unknownVariables returns the names of environment variables with the prefix that set
// no flag of any command, such as misspelt ones. Values are left out: they may be
// secrets.
func unknownVariables(model *kong.Application, environment []string) []string {
	known := map[string]bool{}
	for _, leaf := range model.Leaves(false) {
		for _, flags := range leaf.AllFlags(false) {
			for _, flag := range flags {
				for _, name := range flag.Envs {
					known[name] = true
				}
			}
		}
	}
	var unknown []string
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, envPrefix) && !known[name] {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}
