using System.Net;
using System.Security.Claims;
using Microsoft.Extensions.Options;
using Orders.ServiceDefaults.Protection;

namespace Orders.FaultQueues.Access;

/// <summary>What became of a try to sign in.</summary>
internal abstract record SignInTry
{
    private SignInTry()
    {
    }

    /// <summary>The password was right.</summary>
    public sealed record Right(ClaimsPrincipal User) : SignInTry;

    /// <summary>The name or the password was wrong.</summary>
    /// <param name="UsedUp">Whether this used up the address's tries, for the first time in a while.</param>
    /// <param name="Slowed">The user's name whose sign-ins are slowed from now on.</param>
    public sealed record Wrong(bool UsedUp, string? Slowed) : SignInTry;

    /// <summary>Nobody looked at the password.</summary>
    /// <param name="RetryAfter">When there is another try.</param>
    public sealed record Refused(TimeSpan RetryAfter) : SignInTry;
}

/// <summary>
/// Passwords cannot be guessed by trying. An address that has used up its
/// <see cref="RateLimitOptions.FailedSignInsPerMinute"/> is refused until it has a try again, whatever it gives. A user's name
/// for which <see cref="Many"/> wrong passwords came within <see cref="Window"/>, from whatever addresses, has one try in
/// <see cref="Pause"/>. It is never locked, and the addresses where that user has signed in before are not slowed: else whoever
/// tries passwords would keep the user out.
/// </summary>
/// <remarks>What is remembered is bounded: names of users alone, and addresses for as long as their wrong passwords count.</remarks>
internal sealed class SignInLimit
{
    /// <summary>How many wrong passwords a name may have within <see cref="Window"/>.</summary>
    public const int Many = 50;

    /// <summary>For how long a wrong password counts against a name.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromHours(1);

    /// <summary>From one try to the next, where a name is slowed.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    /// <summary>A client's tries are all back after this time.</summary>
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, ClientTries> _clients = [];
    private readonly Dictionary<string, NameTries> _names;
    private readonly FaultUsers _users;
    private readonly TimeProvider _clock;
    private readonly int _perMinute;
    private TimeSpan _forgetAt;

    public SignInLimit(FaultUsers users, IOptions<RateLimitOptions> options, TimeProvider clock)
    {
        (_users, _clock, _perMinute) = (users, clock, options.Value.FailedSignInsPerMinute);
        _names = users.Names.ToDictionary(name => name, _ => new NameTries());
    }

    /// <summary>How many addresses are remembered.</summary>
    internal int Clients
    {
        get
        {
            lock (_lock)
            {
                return _clients.Count;
            }
        }
    }

    /// <summary>Tries what a client gives, if it has a try.</summary>
    /// <param name="client">Where it comes from.</param>
    /// <param name="credentials">The name, a colon, the password, in UTF-8.</param>
    public SignInTry Try(IPAddress client, ReadOnlySpan<byte> credentials)
    {
        // One after the other: else many at once would all find the last try there.
        lock (_lock)
        {
            var now = _clock.GetElapsedTime(0);
            if (_clients.TryGetValue(client, out var tries) && WaitOf(tries, now) is { Ticks: > 0 } wait)
            {
                return new SignInTry.Refused(wait);
            }

            var name = FaultUsers.NameIn(credentials);
            var ofName = name is null ? null : _names.GetValueOrDefault(name);
            if (ofName?.TakeTurn(client, now) is { Ticks: > 0 } pause)
            {
                return new SignInTry.Refused(pause);
            }

            if (_users.Find(credentials) is { } user)
            {
                ofName?.Know(client);
                return new SignInTry.Right(user);
            }

            return new SignInTry.Wrong(CountWrong(client, now), ofName?.CountWrong(now) == true ? name : null);
        }
    }

    /// <summary>Has the next wrong password for a name say again that it is slowed, since nobody could be told.</summary>
    public void SayAgain(string name)
    {
        lock (_lock)
        {
            _names[name].SayAgain();
        }
    }

    /// <returns>Whether this was the client's last try, for the first time since it had all of them.</returns>
    private bool CountWrong(IPAddress client, TimeSpan now)
    {
        if (_perMinute == 0)
        {
            return false;
        }

        ForgetOthers(now);
        var tries = _clients.TryGetValue(client, out var found) && found.AllBackAt > now ? found : new ClientTries(now, WereUsedUp: false);
        tries = tries with { AllBackAt = tries.AllBackAt + (Minute / _perMinute) };
        var isUsedUp = WaitOf(tries, now) > TimeSpan.Zero;
        _clients[client] = tries with { WereUsedUp = tries.WereUsedUp || isUsedUp };
        return isUsedUp && !tries.WereUsedUp;
    }

    /// <summary>Forgets the addresses that have all their tries again, once a minute.</summary>
    private void ForgetOthers(TimeSpan now)
    {
        if (now < _forgetAt)
        {
            return;
        }

        foreach (var (address, tries) in _clients)
        {
            if (tries.AllBackAt <= now)
            {
                _clients.Remove(address);
            }
        }

        _forgetAt = now + Minute;
    }

    /// <summary>How long until the client has a whole try; nothing or less where it has one.</summary>
    private TimeSpan WaitOf(ClientTries tries, TimeSpan now) => tries.AllBackAt - now - (Minute / _perMinute * (_perMinute - 1));

    /// <summary>The tries of one address. Each wrong one puts off when all are back by its part of a minute.</summary>
    private readonly record struct ClientTries(TimeSpan AllBackAt, bool WereUsedUp);

    /// <summary>The tries for one user's name, from all addresses together.</summary>
    private sealed class NameTries
    {
        private const int MostKnown = 20;

        private readonly Queue<TimeSpan> _wrong = new(Many);
        private readonly List<IPAddress> _known = [];
        private TimeSpan _nextTry;
        private TimeSpan? _slowedAt;

        /// <summary>Takes a try.</summary>
        /// <returns>How long to wait instead; nothing or less where there is a try.</returns>
        public TimeSpan TakeTurn(IPAddress client, TimeSpan now)
        {
            if (!IsSlowed(now) || _known.Contains(client))
            {
                return TimeSpan.Zero;
            }

            var wait = _nextTry - now;
            if (wait <= TimeSpan.Zero)
            {
                _nextTry = now + Pause;
            }

            return wait;
        }

        /// <summary>Notes that the user signed in from there.</summary>
        public void Know(IPAddress client)
        {
            if (_known is [.., var last] && last.Equals(client))
            {
                return;
            }

            _known.Remove(client);
            _known.Add(client);
            if (_known.Count > MostKnown)
            {
                _known.RemoveAt(0);
            }
        }

        /// <summary>Notes a wrong password.</summary>
        /// <returns>Whether the name is slowed from now on, and was not in the hour before.</returns>
        public bool CountWrong(TimeSpan now)
        {
            if (_wrong.Count == Many)
            {
                _wrong.Dequeue();
            }

            _wrong.Enqueue(now);
            if (!IsSlowed(now))
            {
                return false;
            }

            var begins = _slowedAt is not { } before || now - before >= Window;
            (_slowedAt, _nextTry) = (now, now + Pause);
            return begins;
        }

        public void SayAgain() => _slowedAt = null;

        private bool IsSlowed(TimeSpan now) => _wrong.Count == Many && now - _wrong.Peek() < Window;
    }
}
