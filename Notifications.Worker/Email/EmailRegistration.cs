using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Notifications.Worker.Email;

public static class EmailRegistration
{
    /// <summary>
    /// Adds the <see cref="IEmailSender"/> that section <c>Email</c> asks for. The section is validated when the
    /// host starts; a key in it that doesn't exist is an error too, since it is a misspelt one.
    /// </summary>
    public static IHostApplicationBuilder AddEmail(this IHostApplicationBuilder builder)
    {
        var section = builder.Configuration.GetSection(EmailOptions.Section);

        builder.Services.AddSingleton<IValidateOptions<EmailOptions>, EmailOptionsValidator>();
        builder.Services.AddOptions<EmailOptions>()
            .Configure(_ =>
            {
                // The binder would fail as well, but with a message that names neither variable nor choices.
                RequireChoice<EmailDelivery>(section.GetSection(nameof(EmailOptions.Delivery)));
                RequireChoice<SmtpSecurity>(section.GetSection($"{nameof(EmailOptions.Smtp)}:{nameof(SmtpOptions.Security)}"));
            })
            .Bind(section, binder => binder.ErrorOnUnknownConfiguration = true)
            .ValidateOnStart();

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<SmtpConnectionPool>();
#if FLUENT_EMAIL
        builder.Services.AddSingleton<ISmtpHandover, FluentEmailHandover>();
#else
        builder.Services.AddSingleton<ISmtpHandover, NetMailHandover>();
#endif
        builder.Services.AddSingleton<IEmailSender>(services =>
            services.GetRequiredService<IOptions<EmailOptions>>().Value.Delivery switch
            {
                EmailDelivery.Smtp => ActivatorUtilities.CreateInstance<SmtpEmailSender>(services),
                _ => ActivatorUtilities.CreateInstance<PickupDirectoryEmailSender>(services),
            });

        return builder;
    }

    private static void RequireChoice<TEnum>(IConfigurationSection value)
        where TEnum : struct, Enum
    {
        if (!string.IsNullOrEmpty(value.Value) && !Enum.TryParse<TEnum>(value.Value, ignoreCase: true, out _))
        {
            throw new OptionsValidationException(
                EmailOptions.Section,
                typeof(EmailOptions),
                [$"{value.Path.Replace(":", "__", StringComparison.Ordinal)} must be {EmailOptionsValidator.Choices<TEnum>()}, but is '{value.Value}'."]);
        }
    }
}
