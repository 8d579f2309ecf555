package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// DeviceNews tells of a sign-in from a network or browser that the person had not
// used lately.
type DeviceNews struct {
	Time    time.Time `json:"time"`
	Device  string    `json:"device"`
	Source  string    `json:"source"`
	Session string    `json:"session"` // digest
}

// devices is what is kept of where a person signs in from.
type devices struct {
	Known []knownDevice `json:"known"`
	News  []DeviceNews  `json:"news,omitempty"` // until she has seen to it
}

type knownDevice struct {
	Network string    `json:"network"`
	Device  string    `json:"device"`
	Last    time.Time `json:"last"`
}

const (
	deviceLife  = 90 * 24 * time.Hour
	maxDevices  = 64
	maxNews     = 16
	deviceCheck = "new-device"
)

// beginSession opens a session at a sign-in, and tells its owner if it comes from
// where she has not been.
func (s *Service) beginSession(ctx context.Context, a *account, rec sessionRecord, o Origin) (Grant, error) {
	g, err := s.openSession(ctx, a, rec, o)
	if err != nil {
		return Grant{}, err
	}
	if err := s.meetDevice(ctx, a, g.Session.ID, o); err != nil {
		return Grant{}, errors.Join(err, s.drop(ctx, g.Session.ID))
	}
	return g, nil
}

func (s *Service) meetDevice(ctx context.Context, a *account, session string, o Origin) error {
	defer s.owners.lock(a.ID)()
	var d devices
	if _, err := s.getShort(ctx, shortDevices, a.ID, &d); err != nil {
		return err
	}
	now, here := s.cfg.Clock.Now(), knownDevice{Network: Network(o.Source), Device: deviceWords(o.Device)}
	here.Last = now
	first := len(d.Known) == 0
	d.Known = slices.DeleteFunc(d.Known, func(k knownDevice) bool { return now.Sub(k.Last) > deviceLife })
	at := slices.IndexFunc(d.Known, func(k knownDevice) bool { return k.Network == here.Network && k.Device == here.Device })
	switch {
	case at >= 0:
		d.Known = slices.Delete(d.Known, at, at+1)
	case !first: // where an account begins is nothing to compare with
		e := s.arrival(o, deviceCheck, Success, here.Device)
		e.Actor, e.Roles, e.Session = a.ID, a.Roles, session
		if err := s.note(ctx, e); err != nil {
			return err
		}
		d.News = tail(append(d.News, DeviceNews{Time: now, Device: here.Device, Source: o.Source, Session: session}), maxNews)
	}
	d.Known = tail(append(d.Known, here), maxDevices)
	if err := s.putShort(ctx, shortDevices, a.ID, d, now.Add(deviceLife)); err != nil {
		return err
	}
	s.sessions.forgetPerson(a.ID) // her other sessions tell it at their next page
	return nil
}

func tail[T any](list []T, n int) []T { return list[max(0, len(list)-n):] }

// DeviceNews returns what the person has not seen to yet, the latest first.
func (s *Service) DeviceNews(ctx context.Context, actor Actor) ([]DeviceNews, error) {
	if actor.Kind != KindPerson || actor.ClientID != "" {
		return nil, fault.New(fault.Denied, "identity.DeviceNews", "")
	}
	var d devices
	if _, err := s.getShort(ctx, shortDevices, actor.ID, &d); err != nil {
		return nil, fmt.Errorf("identity.DeviceNews: %w", err)
	}
	slices.Reverse(d.News)
	return d.News, nil
}

// SettleDeviceNews records that the person has seen to it.
func (s *Service) SettleDeviceNews(ctx context.Context, actor Actor) error {
	const op = "identity.SettleDeviceNews"
	if actor.Kind != KindPerson || actor.ClientID != "" {
		return fault.New(fault.Denied, op, "")
	}
	defer s.owners.lock(actor.ID)()
	var d devices
	found, err := s.getShort(ctx, shortDevices, actor.ID, &d)
	if err != nil || !found || len(d.News) == 0 {
		return err
	}
	e := s.about(actor, deviceCheck, Success, "")
	e.Detail = "seen by the person"
	if err := s.note(ctx, e); err != nil {
		return err
	}
	d.News = nil
	if err := s.putShort(ctx, shortDevices, actor.ID, d, s.cfg.Clock.Now().Add(deviceLife)); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	s.sessions.forgetPerson(actor.ID)
	return nil
}
