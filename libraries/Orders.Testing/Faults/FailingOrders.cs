using Orders.FaultQueues;
using Orders.Testing.Machine;
using Orders.Testing.Mail;
using Orders.Testing.Programs;

namespace Orders.Testing.Faults;

/// <summary>Orders that end up in the fault queues and stay there, for what looks at those.</summary>
internal static class FailingOrders
{
    /// <summary>No replay by the job while a test runs.</summary>
    public static readonly (string Name, string? Value)[] Settings = [("Replay__Backoff__0", "01:00:00")];

    /// <summary>From now on the mail server takes no confirmation.</summary>
    public static void RefuseConfirmations(this OrderSystem system) =>
        system.Mail.On(SmtpStep.Recipient, recipient => recipient == OrderSystem.Operator ? null : "451 4.3.0 Try again later");

    /// <summary>Places orders and waits until each of them is in the error queue.</summary>
    public static async Task FailAsync(this OrderSystem system, params string[] orderIds)
    {
        system.RefuseConfirmations();
        var before = system.Log.Of<FaultSorter>(210).Count;
        foreach (var orderId in orderIds)
        {
            await system.PlaceAsync(orderId);
        }

        await system.Log.WaitFor<FaultSorter>(210, before + orderIds.Length);
        foreach (var orderId in orderIds)
        {
            await Eventually.GetAsync(
                $"order {orderId} in the error queue",
                _ => system.ReadAsync("order-confirmation_error"),
                messages => messages.Any(message => message.OrderId == orderId),
                TimeSpan.FromSeconds(20));
        }
    }
}
