using System.Runtime.InteropServices;

namespace Orders.ServiceDefaults.Hosting;

/// <summary>
/// What asks the program to stop: SIGTERM, SIGINT and SIGQUIT. Takes the place of ASP.NET's own lifetime, which hears of them
/// only when the host starts, and then cancels the start half way: services throw, and the bus may leave a consumer behind.
/// </summary>
internal sealed class StopSignals : IHostLifetime, IDisposable
{
    private static readonly PosixSignal[] Signals = [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT];

    private readonly CancellationTokenSource _received = new();
    private readonly PosixSignalRegistration[] _registrations;

    /// <summary>From now on no signal ends the process by itself.</summary>
    public StopSignals() => _registrations = [.. Signals.Select(signal => PosixSignalRegistration.Create(signal, Receive))];

    /// <summary>Is cancelled with the first signal.</summary>
    public CancellationToken Received => _received.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _received.Dispose();
    }

    Task IHostLifetime.WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    Task IHostLifetime.StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void Receive(PosixSignalContext signal)
    {
        signal.Cancel = true;
        _received.Cancel();
    }
}
