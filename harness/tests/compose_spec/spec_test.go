// Package compose_spec has docker-compose.yml read by the reference
// implementation of the Compose Specification, which holds it against its schema.
package compose_spec

import (
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
)

func TestTheFileIsOfTheSpecification(t *testing.T) {
	options, err := cli.NewProjectOptions(
		[]string{"../../../docker-compose.yml"},
		cli.WithProfiles([]string{"*"}),
		cli.WithEnv([]string{"SCHEDBENCH_REDIS_PORT=12345"}),
	)
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := project.ServiceNames()
	if want := []string{"kafka", "postgres", "rabbitmq", "redis"}; !slices.Equal(names, want) {
		t.Errorf("services %v, want %v", names, want)
	}
	for name, service := range project.Services {
		if service.HealthCheck == nil || service.HealthCheck.StartInterval == nil {
			t.Errorf("%s: no health check that looks often at its start", name)
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s: published on %q", name, port.HostIP)
			}
		}
	}
	if port := project.Services["redis"].Ports[0].Published; port != "12345" {
		t.Errorf("redis is published on %s: its variable is not read", port)
	}
}
