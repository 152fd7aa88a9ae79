using VmSim.Host.Service;
using VmSim.Host.Terminal;

namespace VmSim.Host.Tests.Service;

public sealed class TokenFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-tokens-").FullName;

    private string File => Path.Combine(_folder, "tokens");

    [Fact]
    public void Tokens_CountFromWhenTheyAreMadeUntilTheyAreTakenBack()
    {
        TokenFile file = new(File);
        Assert.Null(file.Find(""));
        string ada = TokenFile.Add(File, "ada", Role.Reader);
        string ben = TokenFile.Add(File, "ben", Role.Operator);
        Assert.Equal(new TokenHolder("ada", Role.Reader), file.Find(ada));
        Assert.Equal(new TokenHolder("ben", Role.Operator), file.Find(ben));
        Assert.Null(file.Find(ada + " "));
        string other = TokenFile.Add(File, "ada", Role.Submitter);
        Assert.Null(file.Find(ada));
        Assert.Equal(Role.Submitter, file.Find(other)!.Role);
        Assert.True(TokenFile.Remove(File, "ada"));
        Assert.False(TokenFile.Remove(File, "ada"));
        Assert.Null(file.Find(other));
        Assert.Equal(["ben"], TokenFile.List(File).Select(holder => holder.Name));
    }

    [Fact]
    public void File_TellsNoTokenAndNobodyElse()
    {
        string token = TokenFile.Add(File, "ada", Role.Reader);
        Assert.DoesNotContain(token, System.IO.File.ReadAllText(File), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
        }

        Assert.Equal(["tokens"], Directory.GetFiles(_folder).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("a/b")]
    [InlineData("a\nb reader 00")]
    public void Add_ANameThatIsNone_IsRefused(string name) =>
        Assert.Throws<UsageException>(() => TokenFile.Add(File, name, Role.Reader));

    [Theory]
    [InlineData("ada reader")]
    [InlineData("ada king 0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("ada 7 0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("ada reader nothex")]
    public void Find_InADamagedFile_NamesTheLine(string line)
    {
        System.IO.File.WriteAllText(File, line + "\n");
        Assert.Contains($"{File}:1", Assert.Throws<IOException>(() => new TokenFile(File).Find("x")).Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
