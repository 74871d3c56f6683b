// dockerfile-lint FILE [ARG=VALUE …] runs BuildKit's own checks, those of `docker build --check`, without a builder and without a network,
// and prints as JSON what they say and what the file's stages do.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/opencontainers/go-digest"
)

type warning struct {
	Rule   string `json:"rule"`
	Detail string `json:"detail"`
	Line   int32  `json:"line"`
}

type command struct {
	Name string `json:"name"`
	Line int    `json:"line"`
	// The words of the instruction, without its flags.
	Words []string `json:"words"`
	// Shell form rather than a JSON list.
	Shell bool   `json:"shell,omitempty"`
	From  string `json:"from,omitempty"`
}

type stage struct {
	Name     string    `json:"name"`
	Base     string    `json:"base"`
	Commands []command `json:"commands"`
}

type result struct {
	Warnings []warning `json:"warnings"`
	Error    string    `json:"error,omitempty"`
	Bases    []string  `json:"bases"`
	Stages   []stage   `json:"stages"`
}

// noRegistry answers for every base image that it is an empty Linux one, and notes which was asked for.
type noRegistry struct{ asked map[string]bool }

func (n *noRegistry) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	n.asked[ref] = true
	config := []byte(`{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}`)
	return ref, digest.FromBytes(config), config, nil
}

func wordsOf(c instructions.Command) command {
	switch c := c.(type) {
	case *instructions.CopyCommand:
		return command{Words: append(append([]string{}, c.SourcePaths...), c.DestPath), From: c.From}
	case *instructions.RunCommand:
		return command{Words: c.CmdLine, Shell: c.PrependShell}
	case *instructions.EntrypointCommand:
		return command{Words: c.CmdLine, Shell: c.PrependShell}
	case *instructions.CmdCommand:
		return command{Words: c.CmdLine, Shell: c.PrependShell}
	case *instructions.HealthCheckCommand:
		return command{Words: c.Health.Test}
	case *instructions.WorkdirCommand:
		return command{Words: []string{c.Path}}
	case *instructions.UserCommand:
		return command{Words: []string{c.User}}
	case *instructions.EnvCommand:
		return command{Words: pairs(c.Env)}
	case *instructions.LabelCommand:
		return command{Words: pairs(c.Labels)}
	}
	return command{Words: strings.Fields(fmt.Sprint(c))}
}

func pairs(given instructions.KeyValuePairs) (all []string) {
	for _, pair := range given {
		all = append(all, pair.Key+"="+pair.Value)
	}
	return all
}

func lint(file string, args map[string]string) (result, error) {
	out := result{Warnings: []warning{}, Bases: []string{}, Stages: []stage{}}
	text, err := os.ReadFile(file)
	if err != nil {
		return out, err
	}
	registry := &noRegistry{asked: map[string]bool{}}
	said, err := dockerfile2llb.DockerfileLint(context.Background(), text, dockerfile2llb.ConvertOpt{
		Config:       dockerui.Config{BuildArgs: args},
		MetaResolver: registry,
		SourceMap:    &llb.SourceMap{Definition: &llb.Definition{}, Filename: file, Language: "Dockerfile", Data: text},
	})
	if err != nil {
		return out, err
	}
	for _, each := range said.Warnings {
		line := int32(0)
		if each.Location != nil && len(each.Location.Ranges) > 0 {
			line = each.Location.Ranges[0].Start.Line
		}
		out.Warnings = append(out.Warnings, warning{each.RuleName, each.Detail, line})
	}
	if said.Error != nil {
		out.Error = said.Error.Message
		return out, nil
	}
	for ref := range registry.asked {
		out.Bases = append(out.Bases, ref)
	}
	tree, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return out, err
	}
	stages, _, err := instructions.Parse(tree.AST, nil)
	if err != nil {
		return out, err
	}
	for _, each := range stages {
		one := stage{Name: each.Name, Base: each.BaseName, Commands: []command{}}
		for _, c := range each.Commands {
			words := wordsOf(c)
			words.Name = strings.ToUpper(c.Name())
			if at := c.Location(); len(at) > 0 {
				words.Line = at[0].Start.Line
			}
			one.Commands = append(one.Commands, words)
		}
		out.Stages = append(out.Stages, one)
	}
	return out, nil
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: dockerfile-lint FILE [ARG=VALUE ...]")
		os.Exit(64)
	}
	args := map[string]string{}
	for _, given := range os.Args[2:] {
		name, value, _ := strings.Cut(given, "=")
		args[name] = value
	}
	out, err := lint(os.Args[1], args)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(out)
}
