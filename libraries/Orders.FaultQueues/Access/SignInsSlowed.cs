using MassTransit;

namespace Orders.FaultQueues.Access;

/// <summary>
/// Somebody tries passwords of a user of the fault queues: from now on that name has one try in a while. Each program counts,
/// and says so, for itself.
/// </summary>
/// <param name="User">The user's name.</param>
/// <param name="WrongPasswords">How many wrong ones came within an hour, from all addresses together.</param>
/// <param name="At">When the last of them came.</param>
[MessageUrn("Contracts:SignInsSlowed")]
public sealed record SignInsSlowed(string User, int WrongPasswords, DateTimeOffset At);
