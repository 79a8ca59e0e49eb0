namespace Orders.Email.Deliveries;

/// <summary>How long a worker may take for one send, and how long its claim keeps others away.</summary>
/// <param name="LongestSend">A send that takes longer is given up.</param>
/// <param name="Margin">For the ways to the ledger, and for clocks that do not go alike.</param>
internal sealed record DeliveryLease(TimeSpan LongestSend, TimeSpan Margin)
{
    /// <summary>From the claim until it lapses.</summary>
    public TimeSpan Length => LongestSend + Margin;

    public static DeliveryLease For(EmailOptions email) => new(email.Smtp.LongestSend, Margin: TimeSpan.FromSeconds(10));
}
