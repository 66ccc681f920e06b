package main

import (
	"debug/buildinfo"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// license is that of the program, by its SPDX name.
const license = "Apache-2.0"

// writeSBOM writes which modules a binary was linked from, as CycloneDX in JSON.
func writeSBOM(path, binary, version string, built time.Time) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	sum, err := checksum(binary)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := encodeSBOM(f, info, version, sum, built); err != nil {
		_ = f.Close() // the first error says more
		return err
	}
	return f.Close()
}

// encodeSBOM writes the SBOM of a binary with this build information and SHA-256. It has
// no serial number, which would be another in every run.
func encodeSBOM(w io.Writer, info *debug.BuildInfo, version, sum string, built time.Time) error {
	program := component(cdx.ComponentTypeApplication, info.Main.Path, version)
	program.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: sum}}
	program.Licenses = &cdx.Licenses{{License: &cdx.License{ID: license}}}
	var settings []cdx.Property
	for _, s := range info.Settings {
		settings = append(settings, cdx.Property{Name: "go:build:" + s.Key, Value: s.Value})
	}
	program.Properties = &settings

	// The standard library is listed, as advisories name it too.
	libraries := []cdx.Component{component(cdx.ComponentTypeLibrary, "std", strings.TrimPrefix(info.GoVersion, "go"))}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		libraries = append(libraries, component(cdx.ComponentTypeLibrary, module.Path, module.Version))
	}
	slices.SortFunc(libraries, func(a, b cdx.Component) int { return strings.Compare(a.BOMRef, b.BOMRef) })
	var refs []string
	for _, l := range libraries {
		refs = append(refs, l.BOMRef)
	}

	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Timestamp: built.Format(time.RFC3339), Component: &program}
	bom.Components = &libraries
	bom.Dependencies = &[]cdx.Dependency{{Ref: program.BOMRef, Dependencies: &refs}}
	if err := cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return fmt.Errorf("encode the SBOM: %w", err)
	}
	return nil
}

// component returns a Go module as a component, with its package URL as its reference.
func component(kind cdx.ComponentType, path, version string) cdx.Component {
	// In a package URL the version is percent-encoded: v2.0.0+incompatible.
	url := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	return cdx.Component{BOMRef: url, Type: kind, Name: path, Version: version, PackageURL: url}
}
