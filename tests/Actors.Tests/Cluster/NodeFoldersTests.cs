using VmSim.Actors.Cluster;
using VmSim.Core.Settings;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>A node finds files by name and digest in its owner's folders, and nowhere else.</summary>
public sealed class NodeFoldersTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;
    private readonly string _folder;
    private readonly string _secret;
    private readonly NodeFolders _folders;

    public NodeFoldersTests()
    {
        _folder = Directory.CreateDirectory(Path.Combine(_root, "folder")).FullName;
        _secret = Write(Path.Combine(_root, "outside", "secret.vmt"), "secret");
        _folders = new NodeFolders([_folder]);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("a.vmt", "a.vmt")]
    [InlineData("/home/me/a.vmt", "a.vmt")]
    [InlineData("C:\\traces\\a.vmt", "a.vmt")]
    [InlineData("/home/me/suite/a.vmt", "suite/a.vmt")]
    [InlineData("../a.vmt", "a.vmt")]
    public void Find_ByTheEndOfAPath_FindsIt(string name, string path)
    {
        string file = Write(Path.Combine(_folder, path), "trace");
        Assert.Equal(file, _folders.Find(name, RunInput.Of(file).Digest));
        Assert.Null(_folders.Find(name, new string('0', RunInput.DigestLength)));
    }

    /// <summary>Two files of one name: the bytes decide.</summary>
    [Fact]
    public void Find_SeveralOfOneName_TakesTheOneWithTheDigest()
    {
        string shallow = Write(Path.Combine(_folder, "a.vmt"), "one");
        string deep = Write(Path.Combine(_folder, "suite", "a.vmt"), "two");
        Assert.Equal(shallow, _folders.Find("/x/suite/a.vmt", RunInput.Of(shallow).Digest));
        Assert.Equal(deep, _folders.Find("/x/suite/a.vmt", RunInput.Of(deep).Digest));
    }

    [Theory]
    [InlineData("secret.vmt")]
    [InlineData("../outside/secret.vmt")]
    [InlineData("x/../../outside/secret.vmt")]
    [InlineData("{0}")]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("/")]
    public void Find_OutsideTheFolders_FindsNothing(string name) =>
        Assert.Null(_folders.Find(name.Replace("{0}", _secret, StringComparison.Ordinal), RunInput.Of(_secret).Digest));

    [Fact]
    public void Find_ThroughLinks_FollowsThoseThatStayInside()
    {
        string inside = Write(Path.Combine(_folder, "deep", "a.vmt"), "trace");
        File.CreateSymbolicLink(Path.Combine(_folder, "in.vmt"), inside);
        File.CreateSymbolicLink(Path.Combine(_folder, "out.vmt"), _secret);
        File.CreateSymbolicLink(Path.Combine(_folder, "round.vmt"), Path.Combine(_folder, "round.vmt"));
        Directory.CreateSymbolicLink(Path.Combine(_folder, "door"), Path.Combine(_root, "outside"));
        Assert.Equal(inside, _folders.Find("in.vmt", RunInput.Of(inside).Digest));
        Assert.Null(_folders.Find("out.vmt", RunInput.Of(_secret).Digest));
        Assert.Null(_folders.Find("door/secret.vmt", RunInput.Of(_secret).Digest));
        Assert.Null(_folders.Find("round.vmt", RunInput.Of(_secret).Digest));
    }

    /// <summary>The folder itself may be named by a link; a folder whose name begins like it is another.</summary>
    [Fact]
    public void Find_FolderBehindALink_IsTheFolder()
    {
        string link = Path.Combine(_root, "link");
        Directory.CreateSymbolicLink(link, _folder);
        string file = Write(Path.Combine(_folder, "a.vmt"), "trace");
        string neighbour = Write(Path.Combine(_root, "folder2", "b.vmt"), "other");
        NodeFolders folders = NodeFolders.Parse($" {link} ,");
        Assert.Equal(file, folders.Find("a.vmt", RunInput.Of(file).Digest));
        Assert.Null(folders.Find("../folder2/b.vmt", RunInput.Of(neighbour).Digest));
        Assert.Null(folders.Find("b.vmt", RunInput.Of(neighbour).Digest));
    }

    [Fact]
    public void Parse_NoSuchFolder_SaysSo()
    {
        Assert.Contains(
            "there is no such folder",
            Assert.Throws<ScenarioException>(() => NodeFolders.Parse("/nowhere/at/all")).Message,
            StringComparison.Ordinal);
        Assert.True(NodeFolders.Parse("").IsEmpty);
    }

    private static string Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }
}
