using System.CommandLine;
using VmSim.Host.Service;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim tokens</c>: who may use a service.</summary>
internal static class TokensCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Command command = new("tokens", "Says who may use a service; one that runs takes changes up at once.");
        command.Subcommands.Add(Add(output, error));
        command.Subcommands.Add(Remove(error));
        command.Subcommands.Add(List(output));
        return command;
    }

    private static Command Add(TextWriter output, TextWriter error)
    {
        Argument<string> name = new("name") { Description = "Who gets it; jobs are his by this name." };
        Option<string> role = new("--role")
        {
            Description = "reader sees, submitter submits and cancels his own, operator cancels all; node makes jobs.",
            DefaultValueFactory = _ => "submitter",
        };
        role.AcceptOnlyFromAmong([.. Enum.GetNames<Role>().Select(name => name.ToLowerInvariant())]);
        Option<string> store = ServeCommand.StoreOption();
        Command command = new("add", "Makes a token and prints it; one that the name had counts no more.") { name, role, store };
        command.SetAction(parsed =>
        {
            StoreFolder folder = new(parsed.GetValue(store)!);
            folder.Create();
            Role given = Enum.Parse<Role>(parsed.GetValue(role)!, ignoreCase: true);
            output.WriteLine(TokenFile.Add(folder.Tokens, parsed.GetValue(name)!, given));
            error.WriteLine("vmsim: this token is kept nowhere else; give it on by a way that nobody can read");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Remove(TextWriter error)
    {
        Argument<string> name = new("name") { Description = "Whose token it is." };
        Option<string> store = ServeCommand.StoreOption();
        Command command = new("remove", "Takes a token back.") { name, store };
        command.SetAction(parsed =>
        {
            if (TokenFile.Remove(new StoreFolder(parsed.GetValue(store)!).Tokens, parsed.GetValue(name)!))
            {
                return ExitCodes.Ok;
            }

            error.WriteLine($"vmsim: {parsed.GetValue(name)} has no token; vmsim tokens list shows who has");
            return ExitCodes.BadInput;
        });
        return command;
    }

    private static Command List(TextWriter output)
    {
        Option<string> store = ServeCommand.StoreOption();
        Command command = new("list", "Lists names and roles.") { store };
        command.SetAction(parsed =>
        {
            foreach (TokenHolder holder in TokenFile.List(new StoreFolder(parsed.GetValue(store)!).Tokens))
            {
                output.WriteLine($"{holder.Role.ToString().ToLowerInvariant(),-10} {holder.Name}");
            }

            return ExitCodes.Ok;
        });
        return command;
    }
}
