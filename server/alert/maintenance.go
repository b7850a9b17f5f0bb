package alert

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"watchkeeper/api"
	"watchkeeper/api/schedule"
	"watchkeeper/server/clock"
	"watchkeeper/server/store"
)

// MaintenanceOptions is what the times of maintenance are made of.
type MaintenanceOptions struct {
	Store *store.Store
	Clock clock.Clock
	Zone  string                 // of expressions that name none
	File  []api.MaintenanceInput // from the configuration file; they cannot be changed here
}

// Maintenance says in what times nobody is told: those of the configuration file and those made through the API.
type Maintenance struct {
	MaintenanceOptions
	file  []api.Maintenance
	crons *schedule.Cache
}

// NewMaintenance makes the times of maintenance of the configuration file. Its error names the first that breaks a rule.
func NewMaintenance(o MaintenanceOptions) (*Maintenance, error) {
	m := &Maintenance{MaintenanceOptions: o, crons: schedule.NewCache(2 * api.MaxMaintenance)}
	for _, in := range o.File {
		if err := m.judge(&in); err != nil {
			return nil, fmt.Errorf("maintenance %s of the configuration file: %s", quoted(in.Name), fileReason(err))
		}
		m.file = append(m.file, api.Maintenance{MaintenanceInput: in, ID: in.Name, Source: sourceFile})
	}
	return m, nil
}

// Windows gives the windows of one that are open at now or follow, n at most.
func (m *Maintenance) Windows(in *api.MaintenanceInput, now api.Time, n int) []api.Window {
	if in.Cron == "" {
		return in.Windows(now, nil, n)
	}
	cron, err := m.cron(in)
	if err != nil {
		return nil // it was read when it was made: a zone has gone from this machine
	}
	return in.Windows(now, cron, n)
}

func (m *Maintenance) cron(in *api.MaintenanceInput) (*schedule.Cron, error) {
	zone := in.Zone
	if zone == "" {
		zone = m.Zone
	}
	return m.crons.Parse(in.Cron, zone)
}

// List gives all by name, with the windows that are open or follow.
func (m *Maintenance) List(ctx context.Context) ([]api.Maintenance, error) {
	made, err := m.Store.Maintenance.List(ctx)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(m.file, made)
	for i := range all {
		all[i] = m.show(all[i])
	}
	slices.SortStableFunc(all, func(a, b api.Maintenance) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// Get gives one by its id or name; KindNotFound when there is none.
func (m *Maintenance) Get(ctx context.Context, idOrName string) (api.Maintenance, error) {
	all, err := m.List(ctx)
	return pick(all, err, "maintenance", func(one api.Maintenance) bool { return one.ID == idOrName || one.Name == idOrName })
}

// Create makes one. KindInvalid for what breaks a rule, KindConflict when the name is taken.
func (m *Maintenance) Create(ctx context.Context, in api.MaintenanceInput, by Author) (api.Maintenance, error) {
	if err := m.prepare(&in, by); err != nil {
		return api.Maintenance{}, err
	}
	made, err := m.Store.Maintenance.Create(ctx, in, by.Name)
	if err != nil {
		return api.Maintenance{}, err
	}
	return m.show(made), nil
}

// Replace changes one. KindNotFound when there is none, KindForbidden for one that reaches beyond the author's pattern,
// KindConflict for one of the configuration file and when the name is taken, KindInvalid when a rule is broken.
func (m *Maintenance) Replace(ctx context.Context, idOrName string, in api.MaintenanceInput, by Author) (api.Maintenance, error) {
	before, err := m.changeable(ctx, idOrName, by)
	if err != nil {
		return api.Maintenance{}, err
	}
	if err := m.prepare(&in, by); err != nil {
		return api.Maintenance{}, err
	}
	after, err := m.Store.Maintenance.Replace(ctx, before.ID, in)
	if err != nil {
		return api.Maintenance{}, err
	}
	return m.show(after), nil
}

// Delete removes one, also while a window is open; see Replace.
func (m *Maintenance) Delete(ctx context.Context, idOrName string, by Author) (api.Maintenance, error) {
	before, err := m.changeable(ctx, idOrName, by)
	if err != nil {
		return api.Maintenance{}, err
	}
	return m.Store.Maintenance.Delete(ctx, before.ID)
}

func (m *Maintenance) changeable(ctx context.Context, idOrName string, by Author) (api.Maintenance, error) {
	one, err := m.Get(ctx, idOrName)
	switch {
	case err != nil:
		return one, err
	case one.Source == sourceFile:
		return one, api.Errorf(api.KindConflict, "this maintenance comes from the configuration file and is changed there")
	case !by.Owns(one.Match):
		return one, errBeyond
	}
	return one, nil
}

var errBeyond = api.Errorf(api.KindForbidden, "this covers names that the token does not reach")

func (m *Maintenance) prepare(in *api.MaintenanceInput, by Author) error {
	in.Comment = api.CleanText(in.Comment)
	if slices.ContainsFunc(m.file, func(one api.Maintenance) bool { return one.Name == in.Name }) {
		return api.Errorf(api.KindConflict, "a maintenance with this name comes from the configuration file")
	}
	if err := m.judge(in); err != nil {
		return err
	}
	var err error
	in.Match, err = by.bound(in.Match)
	return err
}

// judge checks what people decided.
func (m *Maintenance) judge(in *api.MaintenanceInput) error {
	return allRules(in.Validate, func(f *api.Fields) {
		if in.Zone != "" {
			if _, err := schedule.LoadZone(in.Zone); err != nil {
				f.Add("body.zone", "%s", err)
				return
			}
		}
		if in.Cron == "" {
			return
		}
		if _, err := m.cron(in); err != nil {
			f.Add("body.cron", "%s", err)
		}
	})
}

// show gives one with its windows.
func (m *Maintenance) show(one api.Maintenance) api.Maintenance {
	now := api.TimeOf(m.Clock.Now())
	if one.Next = m.Windows(&one.MaintenanceInput, now, api.NextWindows); one.Next == nil {
		one.Next = []api.Window{}
	}
	one.Active = len(one.Next) > 0 && one.Next[0].Contains(now)
	return one
}
